//! How much work one request may cause.

use scim_core::{Result, ScimError, ScimType};

/// What is left of the element visits that applying a plan may cost.
///
/// Operations times elements is what a hostile request can multiply: ten thousand filtered paths
/// over ten thousand elements. A plan that people or identity providers send stays far below it.
#[derive(Debug)]
pub(crate) struct Work {
    left: usize,
}

impl Work {
    /// Element visits: below a second or two on today's machines, and enough for a plain operation
    /// on millions of elements.
    pub(crate) const LIMIT: usize = 10_000_000;

    pub(crate) fn new() -> Self {
        Self { left: Self::LIMIT }
    }

    /// Takes `visits` from what is left.
    ///
    /// # Errors
    /// 400 `tooMany` when that is more than is left.
    pub(crate) fn spend(&mut self, visits: usize) -> Result<()> {
        match self.left.checked_sub(visits) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(ScimError::new(
                ScimType::TooMany,
                "the request would look at more values than the server does for one request",
            )),
        }
    }
}
