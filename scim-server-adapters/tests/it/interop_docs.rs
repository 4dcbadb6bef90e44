//! Keeps the tables of `docs/interop.md` true.

use scim_core::{Profile, Quirk, Validation};

const DOCUMENT: &str = include_str!("../../../docs/interop.md");

fn rows() -> Vec<Vec<&'static str>> {
    let (_, quirks) = DOCUMENT.split_once("\n## Quirks\n").unwrap();
    let (quirks, _) = quirks.split_once("\n## ").unwrap();
    let rows = quirks.lines().filter(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

#[test]
fn every_quirk_has_a_line_that_says_which_presets_have_it() {
    let rows = rows();
    let (head, rows) = rows.split_first().unwrap();
    let presets: Vec<Profile> = head[2..]
        .iter()
        .map(|name| Profile::preset(name.trim_matches('`')).unwrap_or_else(|| panic!("{name}")))
        .collect();
    assert_eq!(presets.len(), Profile::PRESETS.len() - 1, "all but `strict`");
    let lines: Vec<_> = rows.iter().filter(|row| row[0].starts_with('`')).collect();
    assert_eq!(lines.len(), Quirk::ALL.len());
    for (quirk, line) in Quirk::ALL.into_iter().zip(lines) {
        assert_eq!(line[0], format!("`{quirk}`"));
        assert!(line[1].len() > 2, "{quirk}: what a strict server does");
        let mark = |preset: &Profile| match preset {
            p if p.tolerates(quirk) => "x",
            p if p.quirks_of_bent_messages().contains(quirk) => "bent",
            _ => "-",
        };
        let marks: Vec<&str> = presets.iter().map(mark).collect();
        assert_eq!(line[2..], marks, "{quirk}");
    }
}

#[test]
fn every_validation_has_a_line_that_says_which_presets_have_it() {
    let (_, table) = DOCUMENT.split_once("\n## Validations\n").unwrap();
    for validation in Validation::ALL {
        let start = format!("| `{validation:?}` | `{}` | ", validation.name());
        let line = table.lines().find(|line| line.starts_with(&start));
        let line = line.unwrap_or_else(|| panic!("{start}"));
        let (_, presets) = line.trim_end_matches(" |").rsplit_once(" | ").unwrap();
        let has = |preset: &&Profile| preset.validates(validation);
        let names: Vec<String> =
            Profile::PRESETS.iter().filter(has).map(|p| format!("`{}`", p.name())).collect();
        assert_eq!(presets, if names.is_empty() { "-".to_owned() } else { names.join(", ") });
    }
}

#[test]
fn every_preset_is_in_the_document() {
    for preset in Profile::PRESETS {
        let constant = preset.name().to_uppercase().replace('-', "_");
        let row = format!("| `Profile::{constant}` | `{}` |", preset.name());
        assert!(DOCUMENT.contains(&row), "{row}");
    }
}
