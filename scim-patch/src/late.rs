//! Quirks that fire when a plan is applied, not when it is made.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scim_core::{Quirk, Quirks};

/// What fires, if at all, when the plan it came with is applied to a resource: whether a filter
/// matches nothing ([`Quirk::ValueFilterCreates`]) is not to be known before. Shared with the plan
/// and its clones, so ask after the write.
#[derive(Clone, Debug, Default)]
pub struct LateQuirks {
    value_filter_creates: Arc<AtomicBool>,
}

impl LateQuirks {
    /// The quirks that fired so far, in whatever attempt to apply the plan.
    #[must_use]
    pub fn fired(&self) -> Quirks {
        if self.value_filter_creates.load(Ordering::Relaxed) {
            Quirks::NONE.with(Quirk::ValueFilterCreates)
        } else {
            Quirks::NONE
        }
    }

    pub(crate) fn fire(&self) {
        self.value_filter_creates.store(true, Ordering::Relaxed);
    }
}
