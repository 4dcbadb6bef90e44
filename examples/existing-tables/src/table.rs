//! Which attribute is in which column.

use rusqlite::types::{Value as Sql, ValueRef};
use scim_core::{AttributeRef, AttributeType, ResourceType, fold};
use scim_filter::sql::{Column as Place, Dialect, Form, Mapping, Rows};
use serde_json::{Map, Value, json};

/// A column, that of its folded text where it compares without regard to case, and the attribute.
type Column = (&'static str, Option<&'static str>, &'static [&'static str]);

/// A table of resources.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
}

pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

pub(crate) const USERS: Table = Table {
    name: "users",
    columns: &[
        ("login", Some("login_folded"), &["userName"]),
        ("display_name", Some("display_folded"), &["displayName"]),
        ("given_name", Some("given_folded"), &["name", "givenName"]),
        ("family_name", Some("family_folded"), &["name", "familyName"]),
        ("title", Some("title_folded"), &["title"]),
        ("enabled", None, &["active"]),
        ("employee_number", Some("employee_folded"), &[ENTERPRISE, "employeeNumber"]),
        ("external_id", None, &["externalId"]),
    ],
};

pub(crate) const TEAMS: Table = Table {
    name: "teams",
    columns: &[
        ("name", Some("name_folded"), &["displayName"]),
        ("external_id", None, &["externalId"]),
    ],
};

impl Table {
    pub(crate) fn of(resource_type: &ResourceType) -> &'static Self {
        if resource_type.has_members() { &TEAMS } else { &USERS }
    }

    /// Where filters find the attributes. What is not here is in `rest`, where SQL does not look.
    pub(crate) fn mapping(&self, resource_type: &ResourceType) -> Mapping {
        let mut mapping = Mapping::new(Dialect::Sqlite);
        let mut add = |path: &str, place: &dyn Fn(Mapping, AttributeRef) -> Mapping| {
            if let Some(attribute) = resource_type.attribute(path) {
                mapping = place(mapping.clone(), attribute);
            }
        };
        let r = self.name;
        for (name, folded, path) in self.columns {
            let joint = if path.first() == Some(&ENTERPRISE) { ":" } else { "." };
            add(&path.join(joint), &|mapping, attribute| {
                let form = match (folded, attribute.leaf().attribute_type) {
                    (Some(_), _) => Form::Folded,
                    (None, AttributeType::Boolean) => Form::Boolean,
                    (None, _) => Form::Text,
                };
                let column = folded.unwrap_or(name);
                mapping.column(attribute, Place::new(format!("{r}.{column}"), form))
            });
        }
        for (path, column, form) in [
            ("id", "id", Form::Text),
            ("meta.created", "created_at", Form::Micros),
            ("meta.lastModified", "changed_at", Form::Micros),
        ] {
            let column = Place::new(format!("{r}.{column}"), form);
            add(path, &|mapping, attribute| mapping.column(attribute, column.clone()));
        }
        let emails = Rows::new("user_emails e", "e.user_id = users.id")
            .part("value", Place::new("e.address_folded", Form::Folded))
            .part("type", Place::new("e.kind_folded", Form::Folded))
            .part("primary", Place::new("e.is_primary", Form::Boolean))
            .indexed(["value"], "e.user_id", "users.id")
            .never_empty();
        let groups =
            Rows::new("team_members g JOIN teams t ON t.id = g.team_id", "g.member = users.id")
                .part("value", Place::new("t.id", Form::Text))
                .part("display", Place::new("t.name_folded", Form::Folded))
                .part("type", Place::new("'direct'", Form::Folded))
                .indexed(["value"], "g.member", "users.id")
                .never_empty();
        let members = Rows::new("team_members m", "m.team_id = teams.id")
            .part("value", Place::new("m.member", Form::Text))
            .indexed(["value"], "m.team_id", "teams.id")
            .never_empty();
        for (path, rows) in [("emails", emails), ("groups", groups), ("members", members)] {
            add(path, &|mapping, attribute| mapping.rows(attribute, rows.clone()));
        }
        mapping
    }

    /// Takes the attributes that have columns out of the others: the names of the columns, and what
    /// they hold.
    pub(crate) fn take(&self, attributes: &mut Map<String, Value>) -> Vec<(&'static str, Sql)> {
        let mut values = Vec::new();
        for (name, folded, path) in self.columns {
            let value = take(attributes, path);
            if let Some(folded) = folded {
                values.push((*folded, value.as_ref().map_or(Sql::Null, folded_sql)));
            }
            values.push((name, value.as_ref().map_or(Sql::Null, sql)));
        }
        values
    }
}

fn take(attributes: &mut Map<String, Value>, path: &[&str]) -> Option<Value> {
    match path {
        [] => None,
        [name] => attributes.remove(*name),
        [outer, inner @ ..] => {
            let object = attributes.get_mut(*outer)?.as_object_mut()?;
            let value = take(object, inner);
            if object.is_empty() {
                attributes.remove(*outer);
            }
            value
        }
    }
}

/// Puts the value of a column where the attribute is.
pub(crate) fn put(attributes: &mut Map<String, Value>, path: &[&str], value: ValueRef<'_>) {
    let value = match value {
        ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
        // Of these attributes, those that are no text are booleans.
        ValueRef::Integer(flag) => json!(flag != 0),
        _ => return,
    };
    match path {
        [] => {}
        [name] => {
            attributes.insert((*name).to_owned(), value);
        }
        [outer, inner, ..] => {
            let object = attributes.entry(*outer).or_insert_with(|| json!({}));
            if let Value::Object(object) = object {
                object.insert((*inner).to_owned(), value);
            }
        }
    }
}

pub(crate) fn sql(value: &Value) -> Sql {
    match value {
        Value::String(text) => Sql::Text(text.clone()),
        Value::Bool(flag) => Sql::Integer((*flag).into()),
        _ => Sql::Null,
    }
}

pub(crate) fn folded_sql(value: &Value) -> Sql {
    value.as_str().map_or(Sql::Null, |text| Sql::Text(fold(text).into_owned()))
}
