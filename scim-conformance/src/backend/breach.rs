//! How a check says what is wrong.

use std::fmt::{self, Debug, Display};

use scim_core::ScimError;
use scim_server_adapters::BackendError;

/// What a check found: nothing wrong, or a breach.
pub(crate) type Outcome<T = ()> = Result<T, Breach>;

/// What was expected, and what was seen instead.
#[derive(Debug)]
pub(crate) struct Breach {
    doing: Option<String>,
    expected: String,
    seen: String,
}

impl Breach {
    pub(crate) fn new(expected: impl Display, seen: impl Display) -> Self {
        Self { doing: None, expected: expected.to_string(), seen: seen.to_string() }
    }

    /// The same, and what the check was doing.
    pub(crate) fn while_doing(self, doing: impl Display) -> Self {
        Self { doing: Some(doing.to_string()), ..self }
    }
}

impl Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(doing) = &self.doing {
            writeln!(f, "  doing:    {doing}")?;
        }
        writeln!(f, "  expected: {}", self.expected)?;
        write!(f, "  seen:     {}", self.seen)
    }
}

/// What a check sends is refused before it reaches the backend: a fault of the check.
impl From<ScimError> for Breach {
    fn from(error: ScimError) -> Self {
        Self::new("a request of the check's that is valid", error)
    }
}

/// What the backend stored can't be read.
impl From<BackendError> for Breach {
    fn from(error: BackendError) -> Self {
        Self::new("a stored document that is a JSON object", error)
    }
}

/// `what` must be `expected`.
pub(crate) fn same<T, U>(what: impl Display, seen: T, expected: U) -> Outcome
where
    T: PartialEq<U> + Debug,
    U: Debug,
{
    if seen == expected {
        return Ok(());
    }
    Err(Breach::new(format_args!("{what}: {expected:?}"), format_args!("{seen:?}")))
}

/// A sentence must hold.
pub(crate) fn holds(expected: impl Display, is_so: bool, seen: impl Debug) -> Outcome {
    if is_so { Ok(()) } else { Err(Breach::new(expected, format_args!("{seen:?}"))) }
}

/// A value must be there.
pub(crate) fn some<T>(what: impl Display, value: Option<T>) -> Outcome<T> {
    value.ok_or_else(|| Breach::new(what, "nothing"))
}

/// Something a check asked of a backend, and its answer.
#[derive(Debug)]
#[must_use]
pub(crate) struct Attempt<T> {
    pub(crate) doing: String,
    pub(crate) result: Result<T, BackendError>,
}

impl<T: Debug> Attempt<T> {
    /// It must succeed.
    pub(crate) fn done(self) -> Outcome<T> {
        self.result.map_err(|error| {
            Breach::new("success", format_args!("error: {error}")).while_doing(self.doing)
        })
    }

    /// It must fail in such a way.
    pub(crate) fn fails(
        self,
        expected: impl Display,
        is_such: impl FnOnce(&BackendError) -> bool,
    ) -> Outcome {
        let breach = match self.result {
            Err(error) if is_such(&error) => return Ok(()),
            Err(error) => Breach::new(expected, format_args!("error: {error} ({error:?})")),
            Ok(done) => Breach::new(expected, format_args!("success: {done:?}")),
        };
        Err(breach.while_doing(self.doing))
    }

    pub(crate) fn not_found(self) -> Outcome {
        self.fails("BackendError::NotFound", |e| matches!(e, BackendError::NotFound))
    }

    pub(crate) fn precondition_failed(self) -> Outcome {
        self.fails("BackendError::PreconditionFailed", |e| {
            matches!(e, BackendError::PreconditionFailed)
        })
    }

    /// It must be a conflict about an attribute of a schema, named with the schema's URN or without.
    pub(crate) fn conflicts(self, schema: &str, path: &str) -> Outcome {
        let expected = format!("BackendError::Conflict {{ attribute: \"{schema}:{path}\" }}");
        self.fails(expected, |error| is_conflict(error, schema, path))
    }

    /// It must be an error in the protocol's terms, of that status.
    pub(crate) fn refused(self, status: u16) -> Outcome {
        self.fails(
            format_args!("BackendError::Scim of status {status}"),
            |error| matches!(error, BackendError::Scim(error) if error.status() == status),
        )
    }
}

pub(crate) fn is_conflict(error: &BackendError, schema: &str, path: &str) -> bool {
    let BackendError::Conflict { attribute } = error else { return false };
    let bare = attribute.strip_prefix(schema).and_then(|rest| rest.strip_prefix(':'));
    bare.unwrap_or(attribute) == path
}

/// These ids or names must be those, in their order.
pub(crate) fn same_list<A: AsRef<str>, B: AsRef<str>>(
    what: impl Display,
    seen: &[A],
    expected: &[B],
) -> Outcome {
    let texts = |list: Vec<&str>| format!("{list:?}");
    let seen: Vec<&str> = seen.iter().map(AsRef::as_ref).collect();
    let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
    if seen == expected {
        return Ok(());
    }
    Err(Breach::new(format_args!("{what}: {}", texts(expected)), texts(seen)))
}
