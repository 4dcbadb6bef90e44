//! Filters as SQL: a parametrised condition for SQLite or PostgreSQL.
//!
//! A [`Mapping`] says where the attributes of a resource type are: in columns, in rows of a side
//! table, in a JSON document. Together with a resolved filter it gives a [`Condition`] for WHERE
//! that selects what [`ResolvedFilter::matches`](crate::ResolvedFilter::matches) selects:
//!
//! - every operand is bound to a parameter; none is part of the SQL, nor of a pattern;
//! - an element in brackets is one row, or one element of an array, for all that is in them;
//! - no condition is ever NULL, so `not` and `ne` hold where a value is missing;
//! - text compares by code points, whatever the collation of a column.
//!
//! What a mapping cannot express is an error ([`Mapping::translate`]), or a rest to be evaluated
//! ([`Mapping::narrow`]). Whether indexes find what meets a filter, or all rows have to be looked at, says
//! [`Mapping::finds`].
//!
//! # A product's own table
//!
//! ```
//! use rusqlite::types::Value;
//! use scim_core::{Profile, ResourceType, fold};
//! use scim_filter::sql::{Bind, Column, Condition, Dialect, Form, Mapping, Rows};
//! use scim_filter::{Limits, ResolvedFilter};
//!
//! let database = rusqlite::Connection::open_in_memory()?;
//! database.execute_batch(
//!     "CREATE TABLE users (
//!          id INTEGER PRIMARY KEY, login TEXT, login_folded TEXT, -- by scim_core::fold
//!          enabled INTEGER, created_at INTEGER                    -- seconds
//!      );
//!      CREATE TABLE user_emails (user_id INTEGER, kind TEXT, folded_address TEXT);
//!      CREATE INDEX users_by_login ON users (login_folded);
//!      INSERT INTO users VALUES (1, 'BJensen', 'bjensen', 1, 1700000000), (2, 'Jsmith', 'jsmith', 0, 1);
//!      INSERT INTO user_emails VALUES (1, 'work', 'bjensen@example.com');",
//! )?;
//!
//! // Once, at start.
//! let user = ResourceType::user();
//! let at = |path: &str| user.attribute(path).expect("the schema has it");
//! let mapping = Mapping::new(Dialect::Sqlite)
//!     .column(at("id"), Column::new("CAST(u.id AS TEXT)", Form::Text))
//!     .column(at("userName"), Column::new("u.login_folded", Form::Folded).indexed())
//!     .column(at("active"), Column::new("u.enabled", Form::Boolean))
//!     .column(at("meta.created"), Column::new("u.created_at * 1000000", Form::Micros))
//!     .without(at("nickName"))
//!     .rows(
//!         at("emails"),
//!         Rows::new("user_emails e", "e.user_id = u.id")
//!             .part("value", Column::new("e.folded_address", Form::Folded))
//!             .part("type", Column::new("e.kind", Form::Folded))
//!             .indexed(["value"], "e.user_id", "u.id") // as one would index the table
//!             .never_empty(),
//!     );
//!
//! // For each request.
//! let text = r#"active eq true and emails[type eq "work" and value ew "@EXAMPLE.com"]"#;
//! let filter = ResolvedFilter::parse(text, &user, &Profile::INTEROP, &Limits::default())?;
//! let Condition { sql, binds } = mapping.translate(filter.expression(), 0)?;
//! let binds = binds.into_iter().map(|bind| match bind {
//!     Bind::Text(text) => Value::Text(text),
//!     Bind::Integer(number) => Value::Integer(number),
//!     Bind::Real(number) => Value::Real(number),
//!     Bind::Boolean(flag) => Value::Integer(flag.into()),
//!     Bind::Instant(at) => Value::Integer(at.as_micros()),
//! });
//! let found: Vec<String> = database
//!     .prepare(&format!("SELECT u.login FROM users u WHERE {sql} ORDER BY u.id"))?
//!     .query_map(rusqlite::params_from_iter(binds), |row| row.get(0))?
//!     .collect::<Result<_, _>>()?;
//! assert_eq!(found, ["BJensen"]);
//! // Nothing finds those whose address ends so: all users are looked at.
//! assert!(!mapping.finds(filter.expression()));
//!
//! // What the table does not have is not passed over in silence.
//! let filter = ResolvedFilter::parse("title pr", &user, &Profile::INTEROP, &Limits::default())?;
//! let error = mapping.translate(filter.expression(), 0).unwrap_err();
//! assert_eq!(error.to_string(), "`title` is not mapped");
//! # assert_eq!(fold("BJensen"), "bjensen");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bind;
mod error;
mod indexes;
mod mapping;
mod source;
mod statement;
mod test;
mod translate;

pub use bind::Bind;
pub use error::SqlError;
pub use mapping::{Column, Dialect, Form, Mapping, Rows};
pub use translate::{Condition, Narrowed};
