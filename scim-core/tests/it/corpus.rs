//! Texts that are too large, or not ours, to be held in this repository.
//!
//! They are read from the folder that `SCIM_CORPUS_DIR` names. Without it the
//! tests that need them are skipped, which `SCIM_TEST_NO_SKIP` forbids.

use std::env;
use std::fs;
use std::path::Path;

/// The text of a file below the corpus folder, or `None` if there is no such
/// folder here and `what` is to be skipped.
pub(crate) fn read(what: &str, file: &str) -> Option<String> {
    let Some(folder) = env::var_os("SCIM_CORPUS_DIR") else {
        assert!(
            env::var_os("SCIM_TEST_NO_SKIP").is_none(),
            "SCIM_TEST_NO_SKIP forbids skipping {what}, and SCIM_CORPUS_DIR is not set"
        );
        println!("skipped {what}: SCIM_CORPUS_DIR is not set, so there is no {file} to read");
        return None;
    };
    let path = Path::new(&folder).join(file);
    match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) => panic!("`{}` cannot be read: {error}", path.display()),
    }
}
