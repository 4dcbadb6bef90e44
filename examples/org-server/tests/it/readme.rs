//! The README, done as it says.
//!
//! Its blocks of `console` are a session: lines that begin with `$ ` are commands, those after them
//! what they print. They run in one shell, against a server that is started with the README's own
//! flags. Ids and times differ from one day to the next, so they are compared by where they occur:
//! the same id in two places of the README is the same id in both.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::database::on_each;
use crate::server::{Server, bare_command};
use crate::skip::skip;

const BASE_URL: &str = "http://127.0.0.1:8080";

fn repository_file(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&file)
        .unwrap_or_else(|e| panic!("`{}` cannot be read: {e}", file.display()))
}

/// The contents of the fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == format!("```{language}") {
            let block = lines.by_ref().take_while(|line| *line != "```");
            blocks.push(block.fold(String::new(), |block, line| block + line + "\n"));
        }
    }
    blocks
}

/// A command and what it is to print.
#[derive(Debug)]
struct Step {
    command: String,
    output: String,
}

/// The commands of a block. A command that the shell does not take to be whole goes on in the next
/// line.
fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut whole = true;
    for line in block.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) if whole => {
                steps.push(Step { command: command.to_owned(), output: String::new() });
            }
            (None, Some(step)) if whole => {
                step.output += line;
                step.output.push('\n');
                continue;
            }
            (_, Some(step)) => {
                step.command.push('\n');
                step.command += line.strip_prefix("> ").unwrap_or(line);
            }
            (_, None) => panic!("a block begins with `{line}` and not with a command"),
        }
        whole = steps.last().is_some_and(|step| is_whole(&step.command));
    }
    assert!(whole, "a command does not end: {:?}", steps.last());
    steps
}

/// Whether the shell waits for no more lines.
fn is_whole(command: &str) -> bool {
    let checked = Command::new("bash").args(["-n", "-c", command]).stderr(Stdio::null()).status();
    checked.unwrap().success() && !command.ends_with('\\')
}

/// A shell that commands are given to one by one.
struct Shell {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What stands between the output of commands.
const SEPARATOR: u8 = 0x1e;

impl Shell {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new("bash")
            .args(["--norc", "--noprofile"])
            .current_dir(folder)
            // Neither a proxy nor anybody's settings.
            .env("HOME", folder)
            .env("NO_PROXY", "*")
            .env("no_proxy", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut shell = Self { child, input, output };
        assert_eq!(shell.run("exec 2>&1"), "");
        shell
    }

    /// Runs a command, which must succeed, and gives what it prints.
    fn run(&mut self, command: &str) -> String {
        writeln!(self.input, "{command}\nprintf '\\036%s\\036' \"$?\"").unwrap();
        let [printed, status] = [(); 2].map(|()| {
            let mut text = Vec::new();
            self.output.read_until(SEPARATOR, &mut text).unwrap();
            assert_eq!(text.pop(), Some(SEPARATOR), "the shell ended at `{command}`");
            String::from_utf8(text).unwrap()
        });
        assert_eq!(status, "0", "`{command}` failed and printed: {printed}");
        printed
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ids in the order in which they first occurred.
#[derive(Default)]
struct Ids {
    seen: Vec<String>,
}

impl Ids {
    /// A text in which ids are their number, and times are alike.
    fn numbered(&mut self, text: &str) -> String {
        mapped(text, |word| {
            if is_time(word) {
                return Some("<time>".to_owned());
            }
            is_uuid(word).then(|| {
                let number = self.seen.iter().position(|id| id == word).unwrap_or_else(|| {
                    self.seen.push(word.to_owned());
                    self.seen.len() - 1
                });
                format!("<id {number}>")
            })
        })
    }
}

/// A text with some of its words replaced. Dates and ids are words.
fn mapped(text: &str, mut replace: impl FnMut(&str) -> Option<String>) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.');
    let mut mapped = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_word(c)).unwrap_or(from.len()));
        mapped += before;
        match replace(word) {
            Some(new) => mapped += &new,
            None => mapped += word,
        }
        rest = after;
    }
    mapped + rest
}

fn is_uuid(word: &str) -> bool {
    let part = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
    let lengths = [8, 4, 4, 4, 12];
    word.split('-').map(str::len).eq(lengths) && word.split('-').all(part)
}

fn is_time(word: &str) -> bool {
    let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape.strip_prefix("0000-00-00T00:00:00").is_some_and(|rest| {
        let fraction = rest.strip_suffix('Z');
        fraction.is_some_and(|f| f.is_empty() || (f.starts_with('.') && !f.contains(':')))
    })
}

/// Why the session cannot run here.
fn missing() -> Option<&'static str> {
    let version = |program: &str| {
        let output = Command::new(program).arg("--version").stderr(Stdio::null()).output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    if version("bash").is_none() {
        return Some("bash is not installed");
    }
    let Some(curl) = version("curl") else { return Some("curl is not installed") };
    let number = curl.split_whitespace().nth(1).unwrap_or_default();
    let mut parts = number.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let known = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    (known < (7, 82)).then_some("curl is older than 7.82")
}

#[test]
fn the_walk_through_prints_what_the_readme_shows() {
    if let Some(why) = missing() {
        return skip("the README's walk-through", why);
    }
    let readme = repository_file("README.md");
    let (mut starts, mut session) = (Vec::new(), Vec::new());
    for block in blocks(&readme, "console") {
        let builds = block.starts_with("$ cargo") || block.starts_with("$ git");
        if builds { &mut starts } else { &mut session }.extend(steps(&block));
    }
    let start = "cargo run -p org-server -- ";
    let flags = starts.iter().find_map(|step| step.command.strip_prefix(start));

    on_each("the README's walk-through", |database| {
        let flags = flags.expect("the README starts the server");
        walk(flags, database.flag(), &session);
    });
}

fn walk(flags: &str, database: &str, session: &[Step]) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = bare_command(folder.path());
    command.args(flags.split_whitespace()).args(["--database", database]);
    // Any other port will do, for the README's may be taken.
    command.args(["--listen", "127.0.0.1:0", "--base-url", BASE_URL]);
    let server = Server::start(command);

    let mut shell = Shell::start(folder.path());
    let (mut readme_ids, mut ids) = (Ids::default(), Ids::default());
    let mut said = String::new();
    for Step { command, output } in session {
        let listening = command.replace(BASE_URL, &format!("http://{}", server.address()));
        let listening = mapped(&listening, |word| {
            let number = readme_ids.seen.iter().position(|id| id == word)?;
            ids.seen.get(number).cloned()
        });
        let printed = shell.run(&listening);
        let (shown, is) = (readme_ids.numbered(output), ids.numbered(&printed));
        assert_eq!(is.trim_end(), shown.trim_end(), "`{command}` printed:\n{printed}");
        writeln!(said, "{command}\n{printed}").unwrap();
    }

    // It shows what a reader came for.
    for part in [
        "\"userName\":\"bjensen\"",
        "filter=",
        "\"active\":false",
        "\"members\":[{",
        "\"status\":\"409\"",
        "\"status\":\"404\"",
        "\"status\":\"401\"",
    ] {
        assert!(said.contains(part), "nothing shows {part} in:\n{said}");
    }
}

/// The code in the README is the example, which is compiled.
#[test]
fn the_embedding_is_the_quickstart() {
    let quickstart = repository_file("examples/quickstart-axum/src/main.rs");
    let code = quickstart.lines().skip_while(|line| line.starts_with("//!") || line.is_empty());
    let code = code.fold(String::new(), |code, line| code + line + "\n");
    let blocks = blocks(&repository_file("README.md"), "rust");
    assert!(blocks.contains(&code), "no block of the README is:\n{code}");
}
