//! Texts that are too large, or not ours, to be held in this repository.
//!
//! They are read from the folder that `SCIM_CORPUS_DIR` names. Without it the
//! tests that need them are skipped, which `SCIM_TEST_NO_SKIP` forbids.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The text of a file below the corpus folder, or `None` if there is no such
/// folder here and `what` is to be skipped.
pub(crate) fn read(what: &str, file: &str) -> Option<String> {
    Some(text(&folder(what)?.join(file)))
}

/// The JSON files two levels below `folder` of the corpus folder, by their path
/// there, in order; `None` as for [`read`].
pub(crate) fn read_all(what: &str, subfolder: &str) -> Option<Vec<(String, String)>> {
    let root = folder(what)?.join(subfolder);
    let entries = |folder: &Path| {
        let entries =
            fs::read_dir(folder).unwrap_or_else(|e| panic!("`{}`: {e}", folder.display()));
        entries.map(|entry| entry.expect("a readable folder").path()).collect::<Vec<_>>()
    };
    let folders = entries(&root).into_iter().filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| entries(&folder));
    let mut all: Vec<(String, String)> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
        .map(|file| {
            let name = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
            (name, text(&file))
        })
        .collect();
    all.sort();
    Some(all)
}

fn folder(what: &str) -> Option<PathBuf> {
    let folder = env::var_os("SCIM_CORPUS_DIR").map(PathBuf::from);
    if folder.is_none() {
        assert!(
            env::var_os("SCIM_TEST_NO_SKIP").is_none(),
            "SCIM_TEST_NO_SKIP forbids skipping {what}, and SCIM_CORPUS_DIR is not set"
        );
        // Past the test harness, which would keep it to itself.
        let line = format!("skipped: {what} needs SCIM_CORPUS_DIR, the folder with the corpora\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    folder
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("`{}` cannot be read: {e}", path.display()))
}
