//! Where the attributes of a resource type are in a database.

use scim_core::AttributeRef;

/// The SQL that is written.
///
/// Exhaustive: what is written depends on it everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite 3.38 or later, with parameters `?1`, `?2` and so on.
    Sqlite,
    /// PostgreSQL 12 or later, with parameters `$1`, `$2` and so on. The database's encoding is
    /// UTF-8.
    Postgres,
}

/// How values are held, so that they are compared as filters want them compared.
///
/// Exhaustive: whoever fills the columns must know all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text as it was sent.
    Text,
    /// Text that was put through [`fold`](scim_core::fold), for an attribute that is not
    /// `caseExact`. What the database's own `lower` gives is not the same.
    Folded,
    /// Booleans; 0 and 1 in SQLite.
    Boolean,
    /// 64-bit integers.
    Integer,
    /// Doubles.
    Decimal,
    /// Instants as 64-bit integers, in microseconds since 1970-01-01T00:00:00Z.
    Micros,
    /// Instants as `timestamptz`. Only for PostgreSQL.
    Timestamp,
}

/// A column, or any other SQL expression over the row of a resource or of an element, that gives
/// one value or NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub(super) sql: String,
    pub(super) form: Form,
    pub(super) is_indexed: bool,
}

impl Column {
    /// The SQL of the expression, which goes into the statement as it is: it must not come from a
    /// client.
    #[must_use]
    pub fn new(sql: impl Into<String>, form: Form) -> Self {
        let sql: String = sql.into();
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '"');
        let sql = if sql.chars().all(is_name) { sql } else { format!("({sql})") };
        Self { sql, form, is_indexed: false }
    }

    /// An index begins with exactly this expression: what [`Mapping::finds`] goes by.
    ///
    /// Of text, it is an index by code points. In SQLite that is what a column and its indexes have
    /// unless they say `COLLATE`, and the condition relies on it; in PostgreSQL it is an index with
    /// `COLLATE "C"`, and one of another collation only finds what is equal.
    #[must_use]
    pub fn indexed(self) -> Self {
        Self { is_indexed: true, ..self }
    }
}

/// The rows of a side table that are the elements of a multi-valued attribute.
///
/// ```
/// use scim_filter::sql::{Column, Form, Rows};
/// let emails = Rows::new("user_email e", "e.user_id = u.id")
///     .part("value", Column::new("e.folded_address", Form::Folded))
///     .part("type", Column::new("e.kind", Form::Folded));
/// # let _ = emails;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    pub(super) from: String,
    pub(super) on: String,
    pub(super) value: Option<Column>,
    pub(super) parts: Vec<(String, Option<Column>)>,
    pub(super) are_never_empty: bool,
    pub(super) index: Option<Index>,
}

/// How rows are found, and the resource by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) parts: Vec<String>,
    pub(super) owner: String,
    pub(super) key: String,
}

impl Rows {
    /// What stands after FROM, and the condition by which a row belongs to the resource.
    ///
    /// Both go into the statement as they are: they must not come from a client.
    #[must_use]
    pub fn new(from: impl Into<String>, on: impl Into<String>) -> Self {
        Self {
            from: from.into(),
            on: on.into(),
            value: None,
            parts: Vec::new(),
            are_never_empty: false,
            index: None,
        }
    }

    /// Where the elements themselves are, of an attribute that is not complex.
    #[must_use]
    pub fn value(self, column: Column) -> Self {
        Self { value: Some(column), ..self }
    }

    /// Where a sub-attribute of the elements is, named as the schema spells it.
    #[must_use]
    pub fn part(mut self, name: impl Into<String>, column: Column) -> Self {
        self.parts.push((name.into(), Some(column)));
        self
    }

    /// A sub-attribute that no element has.
    #[must_use]
    pub fn without_part(mut self, name: impl Into<String>) -> Self {
        self.parts.push((name.into(), None));
        self
    }

    /// Every row has at least one sub-attribute that is not empty, whether it is mapped or not, so
    /// that the attribute is present (`pr`) if there is a row.
    #[must_use]
    pub fn never_empty(self) -> Self {
        Self { are_never_empty: true, ..self }
    }

    /// An index finds rows by what these sub-attributes equal (`value` where the elements are not
    /// complex), and their column `owner` holds the `key` of the resource; neither is NULL.
    ///
    /// Where a filter asks for that, `key IN (SELECT owner …)` begins with the rows. Without it the
    /// condition is `EXISTS (…)`, for which SQLite looks at every resource, whatever the indexes.
    ///
    /// ```
    /// use scim_filter::sql::{Column, Form, Rows};
    /// let emails = Rows::new("user_email e", "e.user_id = u.id")
    ///     .part("value", Column::new("e.folded_address", Form::Folded))
    ///     .indexed(["value"], "e.user_id", "u.id");
    /// # let _ = emails;
    /// ```
    #[must_use]
    pub fn indexed<S: Into<String>>(
        self,
        parts: impl IntoIterator<Item = S>,
        owner: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        let parts = parts.into_iter().map(Into::into).collect();
        Self { index: Some(Index { parts, owner: owner.into(), key: key.into() }), ..self }
    }
}

/// Where one attribute is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Column(Column),
    Rows(Rows),
    /// One element at most, which is there where the condition holds.
    Object(String),
    /// No resource has it.
    Nowhere,
    /// SQL cannot get at it.
    OutOfReach,
}

/// Where the attributes of a resource type are in a database, as SQL over the row of a resource.
///
/// An attribute, or a sub-attribute by itself, has one place: the last that was given. What is
/// given for an attribute decides for the sub-attributes that have no place of their own. What has
/// no place is in the [`document`](Self::document), if there is one, else a filter that asks for it
/// cannot be translated.
///
/// All SQL that is given goes into statements as it is, and must not come from a client.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub(super) dialect: Dialect,
    places: Vec<(AttributeRef, Place)>,
    pub(super) document: Option<String>,
    pub(super) fold_function: Option<String>,
    pub(super) instant_function: Option<String>,
}

impl Mapping {
    /// A mapping without any attribute.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            places: Vec::new(),
            document: None,
            fold_function: None,
            instant_function: None,
        }
    }

    /// An attribute, or sub-attribute, of which a resource has one value at most.
    ///
    /// That may be a sub-attribute of a multi-valued attribute of which the database keeps one
    /// element at most, as the one address in `users.email`; [`object`](Self::object) then says
    /// when the element is there.
    #[must_use]
    pub fn column(self, attribute: AttributeRef, column: Column) -> Self {
        self.with(attribute, Place::Column(column))
    }

    /// A multi-valued attribute whose elements are rows.
    #[must_use]
    pub fn rows(self, attribute: AttributeRef, rows: Rows) -> Self {
        self.with(attribute, Place::Rows(rows))
    }

    /// A complex attribute of which a resource has one element at most: the condition under which
    /// it has it. Its sub-attributes are given one by one.
    #[must_use]
    pub fn object(self, attribute: AttributeRef, is_there: impl Into<String>) -> Self {
        self.with(attribute, Place::Object(is_there.into()))
    }

    /// An attribute that no resource has a value of.
    #[must_use]
    pub fn without(self, attribute: AttributeRef) -> Self {
        self.with(attribute, Place::Nowhere)
    }

    /// An attribute that may have values which SQL cannot get at, and which is not in the document.
    #[must_use]
    pub fn out_of_reach(self, attribute: AttributeRef) -> Self {
        self.with(attribute, Place::OutOfReach)
    }

    /// The resource in canonical JSON: in SQLite text, in PostgreSQL `jsonb`. It holds all that has
    /// no other place.
    ///
    /// Without functions, an attribute in it that is not `caseExact` cannot be compared, nor can a
    /// dateTime as an instant; and SQLite does not read decimals from it, since it may round them
    /// otherwise.
    #[must_use]
    pub fn document(self, sql: impl Into<String>) -> Self {
        let Column { sql, .. } = Column::new(sql, Form::Text);
        Self { document: Some(sql), ..self }
    }

    /// The name of an SQL function, text to text, that does what [`fold`](scim_core::fold) does, so
    /// that text which is held as it was sent can be compared without regard to case.
    #[must_use]
    pub fn fold_function(self, name: impl Into<String>) -> Self {
        Self { fold_function: Some(name.into()), ..self }
    }

    /// The name of an SQL function that reads text as [`DateTime`](scim_core::DateTime) does and
    /// gives microseconds since 1970-01-01T00:00:00Z, or NULL for other text.
    #[must_use]
    pub fn instant_function(self, name: impl Into<String>) -> Self {
        Self { instant_function: Some(name.into()), ..self }
    }

    fn with(mut self, attribute: AttributeRef, place: Place) -> Self {
        self.places.retain(|(other, _)| *other != attribute);
        self.places.push((attribute, place));
        self
    }

    /// The place that was given for exactly this path.
    pub(super) fn place(&self, attribute: &AttributeRef) -> Option<&Place> {
        self.places.iter().find(|(other, _)| other == attribute).map(|(_, place)| place)
    }
}
