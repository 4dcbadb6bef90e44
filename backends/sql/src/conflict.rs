//! Values that must be unique and are not, found when a store is opened.

use std::fmt;

/// Two resources that share a value that must be unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueConflict {
    /// Their tenant.
    pub tenant: String,
    /// The attribute, with the URN of its schema.
    pub attribute: String,
    /// The ids of the two, the older first.
    pub ids: [String; 2],
}

impl fmt::Display for UniqueConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant, attribute, ids: [older, newer] } = self;
        write!(f, "`{attribute}` of `{older}` and `{newer}` in tenant `{tenant}`")
    }
}

/// The conflicts that were found, the first of them in the order of creation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UniqueConflicts {
    /// Those that are named.
    pub named: Vec<UniqueConflict>,
    /// Whether there are more.
    pub more: bool,
}

impl UniqueConflicts {
    /// Conflicts that are named before a store gives up looking for more.
    const NAMED: usize = 10;

    /// Adds a conflict; whether there is room for more.
    pub fn push(&mut self, conflict: UniqueConflict) -> bool {
        self.more = self.named.len() == Self::NAMED;
        if !self.more {
            self.named.push(conflict);
        }
        !self.more
    }
}

impl fmt::Display for UniqueConflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, conflict) in self.named.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{conflict}")?;
        }
        f.write_str(if self.more { "; and more" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conflict(n: usize) -> UniqueConflict {
        UniqueConflict {
            tenant: "acme".to_owned(),
            attribute: "urn:example:Device:serial".to_owned(),
            ids: ["a".to_owned(), format!("b{n}")],
        }
    }

    #[test]
    fn conflicts_are_named_in_the_message() {
        let mut conflicts = UniqueConflicts::default();
        assert!(conflicts.push(conflict(0)) && conflicts.push(conflict(1)));
        assert_eq!(
            conflicts.to_string(),
            "`urn:example:Device:serial` of `a` and `b0` in tenant `acme`; \
             `urn:example:Device:serial` of `a` and `b1` in tenant `acme`",
        );
    }

    #[test]
    fn ten_are_named() {
        let mut conflicts = UniqueConflicts::default();
        let pushed = (0..11).take_while(|n| conflicts.push(conflict(*n))).count();
        assert_eq!((pushed, conflicts.named.len()), (10, 10));
        assert!(conflicts.to_string().ends_with("; and more"));
    }
}
