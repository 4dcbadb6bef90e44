//! Keeps `docs/rfc-coverage.md` true: the tests that it names exist, each row has a test or a
//! reason, no keyword of the RFCs is forgotten, and its numbers are right.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The keywords of RFC 2119 that make a requirement, the longer ones first.
const KEYWORDS: [&str; 9] = [
    "MUST NOT",
    "MUST",
    "SHOULD NOT",
    "SHOULD",
    "SHALL NOT",
    "SHALL",
    "NOT RECOMMENDED",
    "RECOMMENDED",
    "REQUIRED",
];

/// The words by which a reason begins.
const REASONS: [&str; 6] =
    ["Client:", "Product:", "Deployer:", "Definition:", "Not offered:", "Not met:"];

/// The RFCs that the corpus has, and their first and last sections that are covered.
const TEXTS: [(&str, u32, u32); 2] = [("RFC 7643", 2, 8), ("RFC 7644", 3, 7)];

/// How often each keyword occurs, for each section of an RFC.
type Occurrences = BTreeMap<(String, String), BTreeMap<&'static str, usize>>;

/// A row of the document.
struct Row {
    line: usize,
    rfc: String,
    section: String,
    /// The keywords it accounts for; none where we have no text to count in.
    levels: Vec<(&'static str, usize)>,
    tests: Vec<String>,
    shown_by: String,
}

impl Row {
    fn requirements(&self) -> usize {
        self.levels.iter().map(|(_, count)| count).sum::<usize>().max(1)
    }
}

#[test]
fn each_requirement_has_a_test_that_exists_or_a_reason() {
    let rows = rows();
    let known = tests_of_the_workspace();
    let mut faults = Vec::new();
    for row in &rows {
        let Row { line, tests, shown_by, .. } = row;
        for test in tests.iter().filter(|test| !known.contains(*test)) {
            faults.push(format!("line {line}: there is no test `{test}`"));
        }
        if tests.is_empty() && !REASONS.iter().any(|reason| shown_by.starts_with(reason)) {
            faults.push(format!("line {line}: neither a test nor a reason: {shown_by}"));
        }
    }
    assert!(faults.is_empty(), "docs/rfc-coverage.md\n{}", faults.join("\n"));

    let with_test = |row: &&Row| !row.tests.is_empty();
    let requirements: usize = rows.iter().map(Row::requirements).sum();
    let shown: usize = rows.iter().filter(with_test).map(Row::requirements).sum();
    let shown_rows = rows.iter().filter(with_test).count();
    // Past the test harness, which would keep it to itself.
    let said = format!("rfc coverage: {requirements} requirements, {shown} of them with a test\n");
    std::io::stderr().write_all(said.as_bytes()).unwrap();
    let stated = format!(
        "**{requirements} requirements, {shown} of them with a test.** They are {} rows, \
         {shown_rows} with a test.",
        rows.len()
    );
    assert!(document().lines().any(|line| line == stated), "docs/rfc-coverage.md says: {stated}");
}

#[test]
fn no_keyword_of_the_rfcs_is_forgotten() {
    const WHAT: &str = "the count of keywords in RFC 7643 and RFC 7644";
    let Some(folder) = env::var_os("SCIM_CORPUS_DIR").map(PathBuf::from) else {
        assert!(
            env::var_os("SCIM_TEST_NO_SKIP").is_none(),
            "SCIM_TEST_NO_SKIP forbids skipping {WHAT}, and SCIM_CORPUS_DIR is not set"
        );
        let line = format!("skipped: {WHAT} needs SCIM_CORPUS_DIR, the folder with the corpora\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    };
    let mut in_rfcs = Occurrences::new();
    for (rfc, first, last) in TEXTS {
        let file = folder.join("rfc").join(format!("{}.txt", rfc.replace(' ', "").to_lowercase()));
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let of_rfc = occurrences(rfc, &text, first, last);
        assert!(of_rfc.len() > 20, "{rfc} has more sections than {}", of_rfc.len());
        in_rfcs.extend(of_rfc);
    }
    let mut in_document = Occurrences::new();
    for row in rows() {
        for (keyword, count) in row.levels {
            let section = in_document.entry((row.rfc.clone(), row.section.clone())).or_default();
            *section.entry(keyword).or_default() += count;
        }
    }
    let sections: BTreeSet<_> = in_rfcs.keys().chain(in_document.keys()).collect();
    let mut faults = Vec::new();
    for section in sections {
        let count = |of: &Occurrences, keyword: &str| {
            of.get(section).and_then(|counts| counts.get(keyword)).copied().unwrap_or_default()
        };
        for keyword in KEYWORDS {
            let (wanted, found) = (count(&in_rfcs, keyword), count(&in_document, keyword));
            if wanted != found {
                let (rfc, section) = section;
                faults.push(format!(
                    "{rfc} §{section} has {wanted} {keyword}, the document accounts for {found}"
                ));
            }
        }
    }
    assert!(faults.is_empty(), "docs/rfc-coverage.md\n{}", faults.join("\n"));
}

#[test]
fn keywords_are_counted_in_their_sections() {
    let text = "\
1.  Introduction

   This MUST not count.

2.  First

   A \"MUST\", and MUST\n\nHunt, et al.    Standards Track    [Page 1]\n\u{c}\nRFC 7643    SCIM    September 2015\n\n   NOT. It SHOULD; MUSTER is no keyword.
   2.2.  This is no heading, and SHALL counts above.

2.1.  Second

   It is NOT RECOMMENDED, RECOMMENDED and REQUIRED.

9.  Last

   This SHALL NOT count.
";
    let found = occurrences("RFC 7643", text, 2, 8);
    let section = |section: &str| &found[&("RFC 7643".to_owned(), section.to_owned())];
    assert_eq!(
        section("2"),
        &BTreeMap::from([("MUST", 1), ("MUST NOT", 1), ("SHOULD", 1), ("SHALL", 1)])
    );
    assert_eq!(
        section("2.1"),
        &BTreeMap::from([("NOT RECOMMENDED", 1), ("RECOMMENDED", 1), ("REQUIRED", 1)])
    );
    assert_eq!(found.len(), 2);
}

#[test]
fn the_tests_of_all_crates_are_known() {
    let known = tests_of_the_workspace();
    for own in [
        "scim_server_adapters::rfc_coverage::the_tests_of_all_crates_are_known",
        "scim_server_adapters::route::tests::another_version_is_invalid_vers",
        "scim_server_adapters::handlers::bulk::order::tests::a_circle_is_one_unit",
        "scim_server_adapters::http::conditional::reading",
        "scim_core::ingest_laws::ingest_is_idempotent",
        "org_server::captures::entra_on_sqlite",
    ] {
        assert!(known.contains(own), "{own}");
    }
    assert!(!known.contains("scim_server_adapters::rfc_coverage::rows"), "no test");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document() -> String {
    fs::read_to_string(root().join("docs/rfc-coverage.md")).expect("docs/rfc-coverage.md is there")
}

/// The rows of the tables below the headings that name an RFC.
fn rows() -> Vec<Row> {
    let document = document();
    let mut rfc = None;
    let mut rows = Vec::new();
    for (number, text) in document.lines().enumerate() {
        let line = number + 1;
        if let Some(heading) = text.strip_prefix("## ") {
            rfc = heading.split(':').next().filter(|name| name.starts_with("RFC "));
        }
        let (Some(rfc), Some(cells)) = (rfc, text.strip_prefix("| ")) else { continue };
        let cells: Vec<&str> = cells.trim_end_matches('|').split('|').map(str::trim).collect();
        let [section, requirement, level, shown_by] = cells.as_slice() else {
            panic!("docs/rfc-coverage.md, line {line}: not four cells");
        };
        if *section == "§" {
            continue;
        }
        assert!(!requirement.is_empty(), "docs/rfc-coverage.md, line {line}: says nothing");
        rows.push(Row {
            line,
            rfc: rfc.to_owned(),
            section: (*section).to_owned(),
            levels: levels(level, line),
            tests: test_names(shown_by),
            shown_by: (*shown_by).to_owned(),
        });
    }
    assert!(rows.len() > 100, "the document has tables");
    rows
}

/// What `2 MUST, SHALL` accounts for.
fn levels(level: &str, line: usize) -> Vec<(&'static str, usize)> {
    if level == "stated" {
        return Vec::new();
    }
    let parts = level.split(", ").map(|part| {
        let (count, keyword) = match part.split_once(' ') {
            Some((count, keyword)) if count.bytes().all(|b| b.is_ascii_digit()) => {
                (count.parse().unwrap(), keyword)
            }
            _ => (1, part),
        };
        let known = KEYWORDS.into_iter().find(|known| *known == keyword);
        (
            known.unwrap_or_else(|| {
                panic!("docs/rfc-coverage.md, line {line}: `{keyword}` is no keyword")
            }),
            count,
        )
    });
    parts.collect()
}

/// What stands between backticks and is a path of modules.
fn test_names(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_path =
        |name: &&str| name.contains("::") && name.starts_with(|c: char| c.is_ascii_lowercase());
    quoted.filter(is_path).map(str::to_owned).collect()
}

/// How often each keyword stands in each section of an RFC's text, from the first to the last.
fn occurrences(rfc: &str, text: &str, first: u32, last: u32) -> Occurrences {
    let mut sections: BTreeMap<String, String> = BTreeMap::new();
    let mut section = None;
    for line in text.lines().map(|line| line.trim_matches('\u{c}')) {
        let is_page_break = line.starts_with("Hunt, et al.") || line.starts_with("RFC 764");
        if is_page_break {
            continue;
        }
        if let Some(number) = heading(line) {
            let chapter: u32 = number.split('.').next().unwrap_or_default().parse().unwrap();
            section = (first..=last).contains(&chapter).then(|| number.to_owned());
        } else if let Some(section) = &section {
            let text = sections.entry(section.clone()).or_default();
            text.push_str(line);
            text.push('\n');
        }
    }
    let mut found = Occurrences::new();
    for (section, text) in sections {
        let words: Vec<&str> = text
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .collect();
        let mut rest = words.as_slice();
        while let [_, tail @ ..] = rest {
            let keyword = KEYWORDS.into_iter().find(|keyword| {
                let mut parts = keyword.split(' ');
                rest.iter().zip(&mut parts).all(|(word, part)| *word == part)
                    && parts.next().is_none()
            });
            let Some(keyword) = keyword else {
                rest = tail;
                continue;
            };
            let key = (rfc.to_owned(), section.clone());
            *found.entry(key).or_default().entry(keyword).or_default() += 1;
            rest = &rest[keyword.split(' ').count()..];
        }
    }
    found
}

/// The number of a section, when the line is its heading: `3.4.2.  Query Resources`.
fn heading(line: &str) -> Option<&str> {
    let (number, title) = line.split_once(".  ")?;
    let is_number = number.starts_with(|c: char| c.is_ascii_digit())
        && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (is_number && !title.is_empty()).then_some(number)
}

/// Every test of every crate, as `crate::module::function`, and every check of the backend contract,
/// which the stores run.
fn tests_of_the_workspace() -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    let root = root();
    for krate in crates(&root) {
        let manifest = fs::read_to_string(krate.join("Cargo.toml")).unwrap();
        let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")).unwrap();
        let name = name.trim_end_matches('"').replace('-', "_");
        for file in ["src/lib.rs", "src/main.rs"] {
            collect(&krate.join(file), &krate.join("src"), &name, &mut tests);
        }
        for binary in folders(&krate.join("tests")) {
            let module = binary.file_name().unwrap().to_string_lossy().into_owned();
            let path = if module == "it" { name.clone() } else { format!("{name}::{module}") };
            collect(&binary.join("main.rs"), &binary, &path, &mut tests);
        }
        for file in fs::read_dir(krate.join("src/backend")).into_iter().flatten() {
            if name == "scim_conformance" {
                tests.extend(checks(&fs::read_to_string(file.unwrap().path()).unwrap()));
            }
        }
    }
    tests
}

/// The checks that a module of the contract declares.
fn checks(text: &str) -> Vec<String> {
    let declared = text.split("Check::new(").skip(1);
    let names = declared.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
    names.map(|name| format!("scim_conformance::backend::{name}")).collect()
}

/// The folders of the workspace's crates. Those of `benches` and `fuzz` are workspaces of their own.
fn crates(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders(root) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with('.') || ["target", "benches", "fuzz"].contains(&name.as_str()) {
            continue;
        }
        if folder.join("Cargo.toml").is_file() {
            found.push(folder);
        } else {
            found.extend(folders(&folder).into_iter().filter(|f| f.join("Cargo.toml").is_file()));
        }
    }
    found
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

/// The tests of a module's file and of the modules that it declares, whose files lie in `folder`.
/// A file that no module declares is not compiled, so its tests do not count.
fn collect(file: &Path, folder: &Path, path: &str, tests: &mut BTreeSet<String>) {
    let Ok(source) = fs::read_to_string(file) else { return };
    // The inline modules around a line, with the indentation at which they end.
    let mut inside: Vec<(usize, &str)> = Vec::new();
    let (mut is_test, mut is_ignored) = (false, false);
    for line in source.lines() {
        let code = line.trim_start();
        let indentation = line.len() - code.len();
        let here = || {
            let inline = inside.iter().map(|(_, name)| *name);
            std::iter::once(path).chain(inline).collect::<Vec<_>>().join("::")
        };
        let item = code.strip_prefix("pub(crate) ").or_else(|| code.strip_prefix("pub "));
        let item = item.unwrap_or(code);
        if code.starts_with("#[") {
            is_test |= ["#[test]", "#[tokio::test", "#[actix_web::test"]
                .iter()
                .any(|attribute| code.starts_with(attribute));
            is_ignored |= code.starts_with("#[ignore");
        } else if let Some(module) = item.strip_prefix("mod ") {
            if let Some(name) = module.strip_suffix(';') {
                let files = [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")];
                let path = format!("{}::{name}", here());
                for file in files {
                    collect(&file, &folder.join(name), &path, tests);
                }
            } else if let Some(name) = module.strip_suffix(" {") {
                inside.push((indentation, name));
            }
        } else if inside.last().is_some_and(|(end, _)| *end == indentation) && code == "}" {
            inside.pop();
        } else if let Some(function) =
            item.strip_prefix("async fn ").or_else(|| item.strip_prefix("fn "))
        {
            if std::mem::take(&mut is_test) && !std::mem::take(&mut is_ignored) {
                let name = function.split(['(', '<']).next().unwrap_or_default();
                tests.insert(format!("{}::{name}", here()));
            }
            is_ignored = false;
        }
    }
}
