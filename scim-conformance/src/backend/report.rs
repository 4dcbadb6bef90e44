//! What became of the checks.

use std::fmt;

/// What became of each check, in order. Its text says what is broken in the contract's words.
#[derive(Clone, Debug)]
pub struct Report {
    verdicts: Vec<(&'static str, Verdict)>,
}

/// What became of a check. Exhaustive: there is no fourth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The backend does what the contract says.
    Kept,
    /// It does not: the check's name, the sentence of the contract, what was done, what was expected
    /// and what was seen.
    Broken(String),
    /// It was not tried, and why.
    Skipped(String),
}

impl Report {
    pub(crate) fn new(verdicts: Vec<(&'static str, Verdict)>) -> Self {
        Self { verdicts }
    }

    /// Whether nothing is broken.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.broken().next().is_none()
    }

    /// The names of the checks and what became of each.
    pub fn verdicts(&self) -> impl Iterator<Item = (&'static str, &Verdict)> {
        self.verdicts.iter().map(|(name, verdict)| (*name, verdict))
    }

    /// The names of the checks that the backend failed.
    pub fn broken(&self) -> impl Iterator<Item = &'static str> {
        self.verdicts().filter(|(_, v)| matches!(v, Verdict::Broken(_))).map(|(name, _)| name)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, verdict) in &self.verdicts {
            match verdict {
                Verdict::Kept => writeln!(f, "{name}: ok")?,
                Verdict::Broken(_) => writeln!(f, "{name}: BROKEN")?,
                Verdict::Skipped(reason) => writeln!(f, "{name}: skipped ({reason})")?,
            }
        }
        for (_, verdict) in &self.verdicts {
            if let Verdict::Broken(breach) = verdict {
                writeln!(f, "\n{breach}")?;
            }
        }
        let broken = self.broken().count();
        write!(f, "\n{broken} of {} checks of the backend's contract broken", self.verdicts.len())
    }
}
