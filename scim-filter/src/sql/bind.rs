//! What is bound to the parameters of a condition.

use scim_core::DateTime;

/// The value of one parameter.
///
/// Exhaustive: whoever hands it to a driver must know all of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Bind {
    /// Text.
    Text(String),
    /// A 64-bit integer.
    Integer(i64),
    /// A finite double.
    Real(f64),
    /// A boolean; 0 or 1 for SQLite.
    Boolean(bool),
    /// An instant, which is compared with a `timestamptz`. Only for PostgreSQL.
    Instant(DateTime),
}

impl Bind {
    /// The type that PostgreSQL is told, so that it need not guess one from the surroundings.
    pub(super) const fn postgres_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "bigint",
            Self::Real(_) => "double precision",
            Self::Boolean(_) => "boolean",
            Self::Instant(_) => "timestamptz",
        }
    }
}
