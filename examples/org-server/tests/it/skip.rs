//! Tests that need something that is not everywhere.

use std::env;
use std::io::Write as _;

/// Says on one line that `what` is skipped and why; `SCIM_TEST_NO_SKIP` makes a failure of it.
pub(crate) fn skip(what: &str, why: &str) {
    assert!(
        env::var_os("SCIM_TEST_NO_SKIP").is_none(),
        "SCIM_TEST_NO_SKIP forbids skipping {what}: {why}"
    );
    // Past the test harness, which would keep it to itself.
    std::io::stderr().write_all(format!("skipped: {what}: {why}\n").as_bytes()).unwrap();
}
