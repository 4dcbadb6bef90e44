//! The text of a condition as it grows, with what is bound to its parameters.

use super::bind::Bind;
use super::error::SqlError;
use super::mapping::Dialect;

/// How many parameters a statement may have: what SQLite allows, less a margin for the caller's
/// own. PostgreSQL allows twice as many.
const MAX_BINDS: usize = 32_000;

/// The parameters of a condition that is being written.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) dialect: Dialect,
    /// How many parameters of the caller's come before.
    first: usize,
    pub(super) binds: Vec<Bind>,
}

impl Statement {
    pub(super) fn new(dialect: Dialect, first: usize) -> Self {
        Self { dialect, first, binds: Vec::new() }
    }

    /// The parameter that a value is bound to.
    pub(super) fn bind(&mut self, value: Bind) -> Result<String, SqlError> {
        if self.first + self.binds.len() >= MAX_BINDS {
            return Err(SqlError::TooManyOperands { limit: MAX_BINDS });
        }
        let number = self.first + self.binds.len() + 1;
        let parameter = match self.dialect {
            Dialect::Sqlite => format!("?{number}"),
            Dialect::Postgres => format!("${number}::{}", value.postgres_type()),
        };
        self.binds.push(value);
        Ok(parameter)
    }

    /// The parameter of a text.
    pub(super) fn bind_text(&mut self, text: &str) -> Result<String, SqlError> {
        self.bind(Bind::Text(text.to_owned()))
    }
}

/// The terms joined, in parentheses. They are paired off rather than chained, since SQLite bounds
/// the depth of an expression, in which a chain of a thousand terms is a thousand deep.
pub(super) fn joined(terms: &[String], operator: &str) -> String {
    match terms {
        [] => String::new(),
        [only] => only.clone(),
        // As people would write it, where that is not deep.
        few if few.len() <= 8 => format!("({})", few.join(&format!(" {operator} "))),
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            format!("({} {operator} {})", joined(left, operator), joined(right, operator))
        }
    }
}
