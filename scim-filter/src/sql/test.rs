//! Comparisons of one value with an operand.

use super::bind::Bind;
use super::error::SqlError;
use super::mapping::{Dialect, Form, Mapping};
use super::statement::Statement;
use crate::expression::Test;
use crate::operator::Operator;

/// An SQL expression that gives one value or NULL.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// The path of the attribute, for errors.
    pub(super) attribute: String,
    pub(super) sql: String,
    /// `None` for what is not compared.
    pub(super) form: Option<Form>,
    /// Whether SQL has to compute it, so that no index holds it and it is better named once.
    pub(super) is_computed: bool,
    /// Whether it is a column with an index by code points.
    pub(super) is_indexed: bool,
}

impl Value {
    /// Whether it is there and not empty.
    pub(super) fn is_present(&self) -> String {
        let Self { sql, .. } = self;
        match self.form {
            Some(Form::Text | Form::Folded) if self.is_computed => {
                format!("COALESCE({sql} <> '', FALSE)")
            }
            Some(Form::Text | Form::Folded) => format!("({sql} IS NOT NULL AND {sql} <> '')"),
            _ => format!("({sql} IS NOT NULL)"),
        }
    }

    /// Whether it is there and meets the test, or, if `or_none`, is not there. Never NULL.
    pub(super) fn meets(
        &self,
        test: &Test,
        or_none: bool,
        mapping: &Mapping,
        statement: &mut Statement,
    ) -> Result<String, SqlError> {
        let compared = self.compared(test, mapping)?;
        let condition = condition(&compared, test, self.form, statement)?;
        let Compared { sql, is_computed, .. } = compared;
        Ok(match (is_computed, or_none) {
            (true, true) => format!("COALESCE({condition}, TRUE)"),
            (true, false) => format!("COALESCE({condition}, FALSE)"),
            (false, true) => format!("({sql} IS NULL OR {condition})"),
            (false, false) => format!("({sql} IS NOT NULL AND {condition})"),
        })
    }

    /// What of it is compared with the operand.
    fn compared(&self, test: &Test, mapping: &Mapping) -> Result<Compared, SqlError> {
        let Self { is_computed, is_indexed, .. } = *self;
        let as_it_is = || Ok(Compared { sql: self.sql.clone(), is_computed, is_indexed });
        let by = |function: &str| {
            let sql = format!("{function}({})", self.sql);
            Ok(Compared { sql, is_computed: true, is_indexed: false })
        };
        let refused = |needed| Err(SqlError::Form { attribute: self.attribute.clone(), needed });
        match (test, self.form) {
            (Test::Text { is_folded: false, .. }, Some(Form::Text))
            | (Test::Text { is_folded: true, .. }, Some(Form::Folded))
            | (Test::Boolean { .. }, Some(Form::Boolean))
            | (Test::Integer { .. }, Some(Form::Integer))
            | (Test::Decimal { .. }, Some(Form::Decimal))
            | (Test::Instant { .. }, Some(Form::Micros)) => as_it_is(),
            (Test::Instant { .. }, Some(Form::Timestamp))
                if mapping.dialect == Dialect::Postgres =>
            {
                as_it_is()
            }
            (Test::Text { is_folded: true, .. }, Some(Form::Text)) => {
                match &mapping.fold_function {
                    Some(function) => by(function),
                    None => Err(SqlError::NotFolded { attribute: self.attribute.clone() }),
                }
            }
            (Test::Instant { .. }, Some(Form::Text)) => match &mapping.instant_function {
                Some(function) => by(function),
                None => refused("instants"),
            },
            (Test::Text { .. }, _) => refused("text as it was sent"),
            (Test::Boolean { .. }, _) => refused("booleans"),
            (Test::Integer { .. }, _) => refused("integers"),
            (Test::Decimal { .. }, _) => refused("decimals"),
            (Test::Instant { .. }, _) => refused("instants"),
        }
    }
}

struct Compared {
    sql: String,
    is_computed: bool,
    is_indexed: bool,
}

/// The comparison of a value that is not null; for one that is null it is null, unless it is the
/// same for all values.
fn condition(
    compared: &Compared,
    test: &Test,
    form: Option<Form>,
    statement: &mut Statement,
) -> Result<String, SqlError> {
    let (operator, operand) = match test {
        Test::Text { operator, operand, .. } => {
            return text(compared, *operator, operand, statement);
        }
        Test::Boolean { is_negated, operand } => {
            let operator = if *is_negated { Operator::NotEqual } else { Operator::Equal };
            (operator, Bind::Boolean(*operand))
        }
        Test::Integer { operator, operand } => (*operator, Bind::Integer(*operand)),
        Test::Decimal { operator, operand } => (*operator, Bind::Real(*operand)),
        Test::Instant { operator, operand } if form == Some(Form::Timestamp) => {
            (*operator, Bind::Instant(*operand))
        }
        Test::Instant { operator, operand } => (*operator, Bind::Integer(operand.as_micros())),
    };
    match comparison(operator) {
        Some(symbol) => Ok(format!("{} {symbol} {}", compared.sql, statement.bind(operand)?)),
        // Only text has parts.
        None => Ok("FALSE".to_owned()),
    }
}

/// A comparison of text, by code points whatever the column's collation. No pattern is made of the
/// operand, so that nothing in it has to be escaped.
fn text(
    compared: &Compared,
    operator: Operator,
    operand: &str,
    statement: &mut Statement,
) -> Result<String, SqlError> {
    let Compared { sql, is_computed, is_indexed } = compared;
    let ordered = match statement.dialect {
        // Said of a column, it keeps SQLite from its indexes in an OR.
        Dialect::Sqlite if *is_computed || *is_indexed => sql.clone(),
        Dialect::Sqlite => format!("{sql} COLLATE BINARY"),
        Dialect::Postgres => format!("{sql} COLLATE \"C\""),
    };
    // By every collation of PostgreSQL that is deterministic, equal text is the same text, so that
    // an index of the column's own collation serves.
    let equal = match statement.dialect {
        Dialect::Sqlite => &ordered,
        Dialect::Postgres => sql,
    };
    if let Some(symbol) = comparison(operator) {
        let is_order = !matches!(operator, Operator::Equal | Operator::NotEqual);
        let side = if is_order { &ordered } else { equal };
        return Ok(format!("{side} {symbol} {}", statement.bind_text(operand)?));
    }
    if operand.is_empty() {
        // Part of every text. A computed value needs the test for null that others get.
        return Ok(if *is_computed { format!("{sql} IS NOT NULL") } else { "TRUE".to_owned() });
    }
    match operator {
        Operator::StartsWith => {
            let from = format!("{ordered} >= {}", statement.bind_text(operand)?);
            match after_all_that_start_with(operand) {
                Some(end) => Ok(format!("({from} AND {ordered} < {})", statement.bind_text(&end)?)),
                None => Ok(from),
            }
        }
        Operator::EndsWith => {
            let parameter = statement.bind_text(operand)?;
            Ok(match statement.dialect {
                Dialect::Sqlite => format!("substr({sql}, -length({parameter})) = {parameter}"),
                Dialect::Postgres => {
                    format!("right({sql}, char_length({parameter})) = {parameter}")
                }
            })
        }
        _ => {
            let parameter = statement.bind_text(operand)?;
            Ok(match statement.dialect {
                Dialect::Sqlite => format!("instr({sql}, {parameter}) > 0"),
                Dialect::Postgres => format!("strpos({ordered}, {parameter}) > 0"),
            })
        }
    }
}

/// The operator in SQL; `None` for those that are about parts of text.
const fn comparison(operator: Operator) -> Option<&'static str> {
    match operator {
        Operator::Equal => Some("="),
        Operator::NotEqual => Some("<>"),
        Operator::GreaterThan => Some(">"),
        Operator::GreaterOrEqual => Some(">="),
        Operator::LessThan => Some("<"),
        Operator::LessOrEqual => Some("<="),
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => None,
    }
}

/// The least text, by code points, that is greater than all that start with `prefix`; `None` if
/// there is none.
fn after_all_that_start_with(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // The code points between are no characters.
        let next =
            if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_text() {
        assert_eq!(after_all_that_start_with("ab").as_deref(), Some("ac"));
        assert_eq!(after_all_that_start_with("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(after_all_that_start_with("a\u{10ffff}\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_all_that_start_with("\u{10ffff}"), None);
        assert_eq!(after_all_that_start_with(""), None);
    }
}
