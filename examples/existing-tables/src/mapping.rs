//! Where filters find attributes: in columns, and in rows of other tables.

use scim_core::ResourceType;
use scim_filter::sql::Form::{Boolean, Folded, Micros, Text};
use scim_filter::sql::{Column, Dialect, Mapping, Rows};

/// The users; `None` would mean that the schema lacks an attribute.
pub(crate) fn users() -> Option<Mapping> {
    let user = ResourceType::user();
    let at = |path| user.attribute(path);
    let emails = Rows::new("user_emails e", "e.user_id = users.id")
        .part("value", Column::new("e.address_folded", Folded))
        .part("type", Column::new("fold(e.kind)", Folded))
        .part("primary", Column::new("e.rest ->> 'primary'", Boolean))
        .indexed(["value"], "e.user_id", "users.id")
        .never_empty();
    let groups = Rows::new("team_members m", "m.member = users.id")
        .part("value", Column::new("m.team_id", Text))
        .indexed(["value"], "m.member", "users.id")
        .never_empty();
    let mapping = Mapping::new(Dialect::Sqlite)
        .column(at("id")?, Column::new("users.id", Text).indexed())
        .column(at("userName")?, Column::new("users.login_folded", Folded).indexed())
        .column(at("displayName")?, Column::new("fold(users.display_name)", Folded))
        .column(at("active")?, Column::new("users.enabled", Boolean))
        .column(at("externalId")?, Column::new("users.external_id", Text).indexed())
        .column(at("meta.created")?, Column::new("users.created_at", Micros))
        .column(at("meta.lastModified")?, Column::new("users.changed_at", Micros).indexed())
        .rows(at("emails")?, emails)
        .rows(at("groups")?, groups);
    Some(mapping)
}

/// The teams, which are groups to SCIM.
pub(crate) fn teams() -> Option<Mapping> {
    let group = ResourceType::group();
    let at = |path| group.attribute(path);
    let members = Rows::new("team_members m", "m.team_id = teams.id")
        .part("value", Column::new("m.member", Text))
        .indexed(["value"], "m.team_id", "teams.id")
        .never_empty();
    let mapping = Mapping::new(Dialect::Sqlite)
        .column(at("id")?, Column::new("teams.id", Text).indexed())
        .column(at("displayName")?, Column::new("teams.name_folded", Folded).indexed())
        .column(at("externalId")?, Column::new("teams.external_id", Text).indexed())
        .column(at("meta.created")?, Column::new("teams.created_at", Micros))
        .column(at("meta.lastModified")?, Column::new("teams.changed_at", Micros).indexed())
        .rows(at("members")?, members);
    Some(mapping)
}
