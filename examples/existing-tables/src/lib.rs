//! A product's own tables of users and teams behind SCIM, for any number of them.
//!
//! `schema.sql` has the tables, `table.rs` says which attribute is in which column, and [`Directory`]
//! is the [`ProvisioningBackend`]. What SCIM knows and the tables have no column for is kept in one
//! column as JSON, so that nothing an identity provider sends is dropped.
//!
//! - Filters over columns become SQL. One that is answered by an index costs its matches; one that
//!   would read the whole table is answered for tables within the work limit, and beyond it refused.
//! - Adding a member to a team is a row, whatever the size of the team.
//! - Uniqueness is an index; each write, its precondition included, is one transaction.
//!
//! To keep it short there are no tenants, no sorting, and no bulk requests in one commit: the service
//! writes their operations one by one.

#![forbid(unsafe_code)]

mod error;
mod members;
mod query;
mod table;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use scim_core::{DateTime, Member, ResourceId, ResourceType, Version};
use scim_filter::sql::Mapping;
use scim_server_adapters::{
    BackendError, Body, Capabilities, Change, CursorKey, Members, Page, Position, Precondition,
    ProvisioningBackend, Query, RequestContext, Returning, Stored, UnitFailure, Wanted, Write,
    WriteUnit, Written,
};
use serde_json::{Map, Value};

use crate::error::Fault;
use crate::table::{ENTERPRISE, TEAMS, Table, USERS, folded_sql, put, sql};

const GROUPS: &str = "
    SELECT t.id, t.name FROM team_members m JOIN teams t ON t.id = m.team_id
    WHERE m.member = ?1 ORDER BY t.id";

const EMAILS: &str = "
    SELECT address, kind, label, is_primary FROM user_emails WHERE user_id = ?1 ORDER BY place";

const ADD_EMAIL: &str = "
    INSERT INTO user_emails
        (user_id, place, address, address_folded, kind, kind_folded, label, is_primary)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// The users and teams of a database.
///
/// Its statements take microseconds, so they run where they are called, on one connection. With a
/// database across a network, use a pool and its async driver.
#[derive(Debug)]
pub struct Directory {
    connection: Mutex<Connection>,
    users: Mapping,
    teams: Mapping,
    cursor_key: CursorKey,
}

/// What the row of a resource holds.
struct Row {
    version: u64,
    created: DateTime,
    last_modified: DateTime,
    attributes: Map<String, Value>,
}

impl Directory {
    /// Opens a database file, in which the tables are made if they are not there.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open(file: &Path) -> rusqlite::Result<Self> {
        Self::over(Connection::open(file)?)
    }

    /// The same over a connection, such as one to a database in memory.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn over(connection: Connection) -> rusqlite::Result<Self> {
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON")?;
        connection.execute_batch(include_str!("../schema.sql"))?;
        let key = "INSERT OR IGNORE INTO scim_cursor_key (one, key) VALUES (1, ?1)";
        connection.execute(key, [CursorKey::generate().as_bytes()])?;
        let key = connection.query_row("SELECT key FROM scim_cursor_key", [], |row| row.get(0))?;
        Ok(Self {
            connection: Mutex::new(connection),
            users: USERS.mapping(&ResourceType::user()),
            teams: TEAMS.mapping(&ResourceType::group()),
            cursor_key: CursorKey::from_bytes(key),
        })
    }

    /// What the product itself does with its tables: the logins of users who may sign in.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn who_may_sign_in(&self) -> rusqlite::Result<Vec<String>> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let sql = "SELECT login FROM users WHERE enabled IS NOT FALSE ORDER BY login_folded";
        connection.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect()
    }

    /// Does all of something or nothing.
    fn writing<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        self.transaction(TransactionBehavior::Immediate, work)
    }

    /// Sees one state throughout.
    fn reading<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        self.transaction(TransactionBehavior::Deferred, work)
    }

    fn transaction<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        // Dropped before its end, it is undone.
        let transaction = connection.transaction_with_behavior(behavior)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    fn mapping(&self, resource_type: &ResourceType) -> &Mapping {
        if resource_type.has_members() { &self.teams } else { &self.users }
    }
}

/// The version of a resource, if it meets the precondition.
fn find(
    connection: &Connection,
    table: &Table,
    id: &ResourceId,
    precondition: &Precondition,
) -> Result<u64, Fault> {
    let sql = format!("SELECT version FROM {} WHERE id = ?1", table.name);
    let mut statement = connection.prepare_cached(&sql)?;
    let version = statement.query_row([id.as_str()], |row| row.get(0)).optional()?;
    let version: u64 = version.ok_or(BackendError::NotFound)?;
    if !precondition.holds(&Version::from(version)) {
        return Err(BackendError::PreconditionFailed.into());
    }
    Ok(version)
}

/// The row of a resource, its columns back where the attributes are.
fn read(connection: &Connection, table: &Table, id: &ResourceId) -> Result<Row, Fault> {
    let names: String = table.columns.iter().map(|(name, ..)| format!(", {name}")).collect();
    let sql = format!(
        "SELECT version, created_at, changed_at, rest{names} FROM {} WHERE id = ?1",
        table.name
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([id.as_str()])?;
    let row = rows.next()?.ok_or(BackendError::NotFound)?;
    let rest: String = row.get(3)?;
    let mut attributes = serde_json::from_str(&rest).map_err(BackendError::internal)?;
    for (index, (_, _, path)) in (4..).zip(table.columns) {
        put(&mut attributes, path, row.get_ref(index)?);
    }
    if table.name == USERS.name {
        let emails = emails(connection, id)?;
        if !emails.is_empty() {
            attributes.insert("emails".to_owned(), emails.into());
        }
    }
    let instant = |micros| {
        DateTime::from_micros(micros).ok_or_else(|| BackendError::internal("a time out of range"))
    };
    let (created, last_modified) = (instant(row.get(1)?)?, instant(row.get(2)?)?);
    Ok(Row { version: row.get(0)?, created, last_modified, attributes })
}

fn emails(connection: &Connection, user: &ResourceId) -> rusqlite::Result<Vec<Value>> {
    let mut statement = connection.prepare_cached(EMAILS)?;
    let emails = statement.query_map([user.as_str()], |row| {
        let mut email = Map::new();
        for (index, name) in ["value", "type", "display", "primary"].into_iter().enumerate() {
            put(&mut email, &[name], row.get_ref(index)?);
        }
        Ok(Value::Object(email))
    })?;
    emails.collect()
}

/// Writes attributes to the row of a resource, which is made if there is none.
fn save(
    connection: &Connection,
    table: &Table,
    id: &ResourceId,
    now: DateTime,
    mut attributes: Map<String, Value>,
    unique_name: bool,
) -> Result<(), Fault> {
    let mut columns = Vec::new();
    if table.name == TEAMS.name {
        let name = attributes.get("displayName").filter(|_| unique_name);
        columns.push(("claimed_name", name.map_or(Sql::Null, folded_sql)));
    }
    let emails = attributes.remove("emails").filter(|_| table.name == USERS.name);
    columns.extend(table.take(&mut attributes));
    columns.push(("rest", Sql::Text(Value::Object(attributes).to_string())));

    let all = |each: &dyn Fn(&str) -> String| -> String {
        columns.iter().map(|(name, _)| each(name)).collect()
    };
    let upsert = format!(
        "INSERT INTO {} (id, created_at, changed_at{}) VALUES (?, ?, ?{})
         ON CONFLICT (id) DO UPDATE SET id = id{}",
        table.name,
        all(&|name| format!(", {name}")),
        all(&|_| ", ?".to_owned()),
        all(&|name| format!(", {name} = excluded.{name}")),
    );
    let now = Sql::Integer(now.as_micros());
    let keys = [Sql::Text(id.as_str().to_owned()), now.clone(), now];
    let values = keys.into_iter().chain(columns.into_iter().map(|(_, value)| value));
    connection.prepare_cached(&upsert)?.execute(rusqlite::params_from_iter(values))?;

    if table.name == USERS.name {
        let id = id.as_str();
        connection.prepare_cached("DELETE FROM user_emails WHERE user_id = ?1")?.execute([id])?;
        let mut add = connection.prepare_cached(ADD_EMAIL)?;
        for (place, email) in emails.iter().filter_map(Value::as_array).flatten().enumerate() {
            let [address, kind, label, primary] =
                ["value", "type", "display", "primary"].map(|name| &email[name]);
            let (address_folded, kind_folded) = (folded_sql(address), folded_sql(kind));
            let [address, kind, label, primary] = [address, kind, label, primary].map(sql);
            add.execute(params![
                id,
                place,
                address,
                address_folded,
                kind,
                kind_folded,
                label,
                primary
            ])?;
        }
    }
    Ok(())
}

/// A resource as it is given back.
fn stored(
    connection: &Connection,
    resource_type: &Arc<ResourceType>,
    id: &ResourceId,
    wanted: &Wanted,
    member_limit: usize,
) -> Result<Stored, Fault> {
    let row = read(connection, Table::of(resource_type), id)?;
    let members = if resource_type.has_members() && wanted.wants("members") {
        Some(members::some(connection, id.as_str(), 0, member_limit)?)
    } else {
        None
    };
    let groups = if resource_type.has_groups() && wanted.wants("groups") {
        let mut statement = connection.prepare_cached(GROUPS)?;
        let groups = statement.query_map([id.as_str()], |row| {
            let (resource_type, display) = (Some("Group".into()), row.get(1)?);
            Ok(Member { value: row.get(0)?, resource_type, display, exists: true })
        })?;
        Some(groups.collect::<Result<_, _>>()?)
    } else {
        None
    };
    // The one attribute of these schemas that refers to another resource.
    let manager = row.attributes.get(ENTERPRISE).and_then(|more| more.pointer("/manager/value"));
    let manager = manager.and_then(Value::as_str);
    let manager = manager.map(|id| members::known(connection, id)).transpose()?;
    Ok(Stored {
        resource_type: Arc::clone(resource_type),
        id: id.clone(),
        version: Version::from(row.version),
        created: row.created,
        last_modified: row.last_modified,
        members,
        groups,
        references: manager.flatten().into_iter().collect(),
        body: Body::Attributes(row.attributes),
    })
}

/// One write, in a transaction.
fn write(connection: &Connection, now: DateTime, write: Write) -> Result<Written, Fault> {
    let Write { resource_type, change, precondition, returning, unique_display_name, must_exist } =
        write;
    let table = Table::of(&resource_type);
    let all_exist = || -> Result<(), Fault> {
        for reference in &must_exist {
            let found = members::known(connection, &reference.value)?;
            found.ok_or_else(|| reference.dangles())?;
        }
        Ok(())
    };
    let find = |id| -> Result<u64, Fault> {
        let version = find(connection, table, id, &precondition)?;
        all_exist()?;
        Ok(version)
    };
    let save = |id, new| save(connection, table, id, now, new, unique_display_name);
    let (id, version, changed) = match change {
        // No passwords are kept, as the capabilities say.
        Change::Create { id, mut resource, secret: _ } => {
            all_exist()?;
            let new = || ResourceId::new(uuid::Uuid::now_v7().to_string());
            let id = id.map_or_else(new, Ok)?;
            let members = resource.take_members();
            save(&id, resource.into_attributes())?;
            members::add(connection, id.as_str(), &members, false)?;
            (id, 0, true)
        }
        Change::Replace { id, mut resource, secret: _ } => {
            let version = find(&id)?;
            let members = resource.take_members();
            let current = read(connection, table, &id)?.attributes;
            let new = resource.replacing(&current)?.into_attributes();
            let mut changed = new != current;
            if changed {
                save(&id, new)?;
            }
            if resource_type.has_members() {
                changed |= members::replace(connection, id.as_str(), &members)?;
            }
            (id, version, changed)
        }
        Change::Patch { id, plan } => {
            let (version, mut changed) = (find(&id)?, false);
            // A change of members alone reads and writes no attributes.
            if !plan.document.is_empty() {
                let current = read(connection, table, &id)?.attributes;
                if let Some(new) = plan.document.apply(&current)? {
                    save(&id, new)?;
                    changed = true;
                }
            }
            changed |= members::apply(connection, id.as_str(), &plan.members)?;
            (id, version, changed)
        }
        Change::Delete { id } => {
            let version = Version::from(find(&id)?);
            delete(connection, table, &id, now)?;
            return Ok(Written { id, version, changed: true, returned: None });
        }
    };
    if changed {
        let touch =
            format!("UPDATE {} SET version = ?2 + 1, changed_at = ?3 WHERE id = ?1", table.name);
        let row = params![id.as_str(), version, now.as_micros()];
        connection.prepare_cached(&touch)?.execute(row)?;
    }
    let version = Version::from(version + u64::from(changed));
    let returned = match returning {
        Some(Returning { wanted, max_members, member_limit })
            if !has_more_members(connection, &id, max_members)? =>
        {
            Some(stored(connection, &resource_type, &id, &wanted, member_limit)?)
        }
        _ => None,
    };
    Ok(Written { id, version, changed, returned })
}

fn has_more_members(
    connection: &Connection,
    id: &ResourceId,
    max: Option<usize>,
) -> rusqlite::Result<bool> {
    let Some(max) = max else { return Ok(false) };
    // It need not count them all.
    let beyond = "SELECT 1 FROM team_members WHERE team_id = ?1 LIMIT 1 OFFSET ?2";
    connection.prepare_cached(beyond)?.exists(params![id.as_str(), max])
}

/// Takes a resource away. Its memberships go, and those teams have a new version.
fn delete(
    connection: &Connection,
    table: &Table,
    id: &ResourceId,
    now: DateTime,
) -> rusqlite::Result<()> {
    let touch = "
        UPDATE teams SET version = version + 1, changed_at = ?2
        WHERE id IN (SELECT team_id FROM team_members WHERE member = ?1)";
    connection.prepare_cached(touch)?.execute(params![id.as_str(), now.as_micros()])?;
    for (table, column) in [("team_members", "member"), (table.name, "id")] {
        let delete = format!("DELETE FROM {table} WHERE {column} = ?1");
        connection.prepare_cached(&delete)?.execute([id.as_str()])?;
    }
    Ok(())
}

#[async_trait]
impl ProvisioningBackend for Directory {
    fn capabilities(&self, _: &RequestContext) -> Capabilities {
        Capabilities::new().with_cursors(self.cursor_key.clone())
    }

    async fn get(
        &self,
        _: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, BackendError> {
        Ok(self.reading(|rows| stored(rows, resource_type, id, wanted, member_limit))?)
    }

    async fn members(
        &self,
        _: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, BackendError> {
        let after = members::place(after)?;
        Ok(self.reading(|rows| {
            find(rows, Table::of(resource_type), id, &Precondition::NONE)?;
            Ok(members::some(rows, id.as_str(), after, limit)?)
        })?)
    }

    async fn query(&self, _: &RequestContext, query: &Query) -> Result<Page, BackendError> {
        Ok(self.reading(|rows| query::page(rows, query, |of| self.mapping(of)))?)
    }

    async fn write(&self, cx: &RequestContext, change: Write) -> Result<Written, BackendError> {
        Ok(self.writing(|rows| write(rows, cx.now, change))?)
    }

    async fn write_all(
        &self,
        _: &RequestContext,
        _: Vec<WriteUnit>,
        _: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError> {
        // Nobody asks, since the capabilities do not name it.
        Err(BackendError::Unsupported)
    }
}
