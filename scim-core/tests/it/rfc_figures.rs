//! Reading the JSON figures of an RFC out of its plain text.
//!
//! RFC 7643 warns (section 8.7) that its JSON "has been modified for
//! readability and to fit the specification format": pages break it, and long
//! strings run over several lines, which JSON forbids.

use serde_json::Value;

/// How the lines of a string that was wrapped to fit the page belong together.
#[derive(Clone, Copy)]
pub(crate) enum Wrapped {
    /// Prose: the line break and the indentation stand for one space.
    Prose,
    /// Base64: the line break and the indentation stand for nothing.
    Base64,
}

/// The JSON between the heading of a section and the caption of its figure.
pub(crate) fn figure(rfc: &str, heading: &str, caption: &str, wrapped: Wrapped) -> Value {
    let lines: Vec<&str> = rfc
        .lines()
        .map(|line| line.trim_matches('\u{c}'))
        .filter(|line| !is_page_header_or_footer(line))
        .skip_while(|line| *line != heading)
        .take_while(|line| !line.trim_start().starts_with(caption))
        .skip_while(|line| !line.trim_start().starts_with(['{', '[']))
        .collect();
    assert!(!lines.is_empty(), "no figure under `{heading}`");
    let json = join_wrapped_strings(&lines.join("\n"), wrapped);
    match serde_json::from_str(&json) {
        Ok(value) => value,
        Err(error) => panic!("the figure under `{heading}` is not JSON: {error}"),
    }
}

fn is_page_header_or_footer(line: &str) -> bool {
    let footer = line.starts_with("Hunt, et al.") && line.ends_with(']');
    let header = line.starts_with("RFC 7643 ") && line.ends_with("September 2015");
    footer || header
}

fn join_wrapped_strings(text: &str, wrapped: Wrapped) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut in_string = false;
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                in_string = !in_string;
                joined.push(character);
            }
            '\\' if in_string => {
                joined.push(character);
                joined.extend(characters.next());
            }
            '\n' if in_string => {
                joined.truncate(joined.trim_end().len());
                while characters.next_if(|next| next.is_whitespace()).is_some() {}
                if let Wrapped::Prose = wrapped {
                    joined.push(' ');
                }
            }
            _ => joined.push(character),
        }
    }
    joined
}

#[test]
fn page_breaks_are_cut_out_and_wrapped_strings_joined() {
    let rfc = "\
   1.1.  A Section ........................... 34

1.1.  A Section

   Some prose.

[{\"text\" : \"a \\\"quoted\\\"
      word and
another\",

Hunt, et al.                 Standards Track                   [Page 34]
\u{c}
RFC 7643                    SCIM Core Schema              September 2015

  \"list\" : [1]}]

   Figure 3: A Caption
";
    assert_eq!(
        figure(rfc, "1.1.  A Section", "Figure 3:", Wrapped::Prose),
        serde_json::json!([{"text": "a \"quoted\" word and another", "list": [1]}])
    );
    assert_eq!(
        figure(rfc, "1.1.  A Section", "Figure 3:", Wrapped::Base64),
        serde_json::json!([{"text": "a \"quoted\"word andanother", "list": [1]}])
    );
}
