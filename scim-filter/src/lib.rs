//! SCIM 2.0 filters and PATCH paths (RFC 7644 §3.4.2.2 and §3.5.2): parser, printer, resolution
//! against schemas, and evaluation in memory.
//!
//! ```
//! use scim_core::{Profile, ResourceType};
//! use scim_filter::Filter;
//! use serde_json::json;
//!
//! // As written: a syntax tree that borrows from its text.
//! let filter = Filter::parse(r#"emails[type eq "work" and value co "@example.com"]"#)?;
//! assert_eq!(filter.to_string(), r#"emails[type eq "work" and value co "@example.com"]"#);
//!
//! // Over a resource type: owned, with operands of the attributes' types.
//! let filter = filter.resolve(&ResourceType::user(), &Profile::STRICT)?;
//! let user = json!({"emails": [
//!     {"type": "work", "value": "bjensen@EXAMPLE.COM"},
//!     {"type": "home", "value": "babs@jensen.org"},
//! ]});
//! assert!(filter.matches(user.as_object().unwrap()));
//! # Ok::<(), scim_filter::FilterError>(())
//! ```
//!
//! [`Filter`] and [`PatchPath`] are the syntax, [`ParseOptions`] holds limits and quirks,
//! [`Filter::resolve`] makes a [`ResolvedFilter`] and [`Filter::resolve_for_elements`] a
//! [`ValueFilter`]; [`Expression`] says what these mean, for stores that translate them.
//!
//! The parser reads once from left to right, and its time and stack are bounded by [`Limits`] for
//! every input. With the feature `sql`, the module `sql` makes conditions for SQLite and PostgreSQL of
//! resolved filters.

#![forbid(unsafe_code)]

mod attribute_path;
mod error;
mod evaluate;
mod expression;
mod filter;
mod limits;
mod literal;
mod operator;
mod parse_options;
mod parser;
mod patch_path;
mod print;
mod resolve;
mod resolved;
#[cfg(feature = "sql")]
pub mod sql;

pub use attribute_path::AttributePath;
pub use error::{
    Expected, FilterError, ResolveError, ResolveErrorKind, SyntaxError, SyntaxErrorKind,
};
pub use expression::{Expression, Subject, Test};
pub use filter::{Comparison, Filter, ValuePath};
pub use limits::Limits;
pub use literal::Literal;
pub use operator::Operator;
pub use parse_options::{ParseOptions, Parsed};
pub use patch_path::PatchPath;
pub use resolved::{ResolvedFilter, ValueFilter};
