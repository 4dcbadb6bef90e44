//! Texts that are too large, or not ours, to be held in this repository.
//!
//! They are read from the folder that `SCIM_CORPUS_DIR` names. Without it the
//! tests that need them are skipped, which `SCIM_TEST_NO_SKIP` forbids.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// The text of a file below the corpus folder, or `None` if there is no such
/// folder here and `what` is to be skipped.
pub(crate) fn read(what: &str, file: &str) -> Option<String> {
    let Some(folder) = env::var_os("SCIM_CORPUS_DIR") else {
        assert!(
            env::var_os("SCIM_TEST_NO_SKIP").is_none(),
            "SCIM_TEST_NO_SKIP forbids skipping {what}, and SCIM_CORPUS_DIR is not set"
        );
        // Past the test harness, which would keep it to itself.
        let line = format!("skipped: {what} needs SCIM_CORPUS_DIR, the folder with the corpora\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return None;
    };
    let path = Path::new(&folder).join(file);
    match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) => panic!("`{}` cannot be read: {error}", path.display()),
    }
}
