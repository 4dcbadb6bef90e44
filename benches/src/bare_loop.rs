//! A loop of inserts without a server around it: what SQLite alone makes of the rows that a store
//! wrote.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params_from_iter};

use crate::store::open_file;

/// As the store counts what there is, with each create.
const POPULATE: &str = "INSERT INTO scim_population (tenant, type, resources) VALUES (?1, ?2, 1)
    ON CONFLICT DO UPDATE SET resources = resources + 1";

/// The row of one table that belongs to one resource.
struct Row {
    table: usize,
    values: Vec<Value>,
}

/// What a store wrote for each of its resources.
pub struct Recording {
    /// How a row of each table is inserted.
    inserts: Vec<String>,
    resources: Vec<Vec<Row>>,
    /// How many rows each table has in the end.
    counts: Vec<(String, i64)>,
}

impl Recording {
    /// Reads all rows of a database that a store has written nothing to but creates.
    pub fn read(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        let mut inserts = Vec::new();
        let mut resources: Vec<Vec<Row>> = Vec::new();
        let mut places: HashMap<i64, usize> = HashMap::new();
        let mut tables = tables(&connection)?;
        // What belongs to resources comes after them.
        tables.sort_by_key(|table| table != "scim_resource");
        for table in &tables {
            let columns = columns(&connection, table)?;
            let Some(key) = resource_key(table, &columns) else { continue };
            let names = columns.join(", ");
            let marks = vec!["?"; columns.len()].join(", ");
            inserts.push(format!("INSERT INTO {table} ({names}) VALUES ({marks})"));
            let sql = format!("SELECT {key}, {names} FROM {table} t ORDER BY 1");
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let key: i64 = row.get(0)?;
                let values = (1..=columns.len()).map(|column| row.get(column));
                let values = values.collect::<rusqlite::Result<_>>()?;
                let place = *places.entry(key).or_insert_with(|| {
                    resources.push(Vec::new());
                    resources.len() - 1
                });
                resources[place].push(Row { table: inserts.len() - 1, values });
            }
        }
        let counts = counts(&connection)?;
        Ok(Self { inserts, resources, counts })
    }

    pub fn resources(&self) -> usize {
        self.resources.len()
    }

    /// Writes the rows into a new database, with the same schema and settings as the store's, that
    /// many resources to a commit, and tells how long it took.
    pub fn replay(&self, path: &Path, batch: usize) -> Result<Duration> {
        // The store makes the tables and what is there before the first resource.
        drop(open_file(path, true)?);
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -64 * 1024)?;
        connection.set_prepared_statement_cache_capacity(128);
        // The organisation: interned with its first resource.
        connection.execute(
            "INSERT INTO scim_tenant (key, name) VALUES (1, ?1)",
            [crate::store::TENANT],
        )?;
        let started = Instant::now();
        for resources in self.resources.chunks(batch.max(1)) {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for rows in resources {
                for Row { table, values } in rows {
                    let mut insert = transaction.prepare_cached(&self.inserts[*table])?;
                    insert.execute(params_from_iter(values))?;
                }
                let resource = rows.first().context("a resource without a row")?;
                let key = (&resource.values[1], &resource.values[2]);
                transaction.prepare_cached(POPULATE)?.execute(key)?;
            }
            transaction.commit()?;
        }
        let took = started.elapsed();
        let written = counts(&connection)?;
        if written != self.counts {
            bail!(
                "the bare loop does not write what the store writes: {written:?}, not {:?}",
                self.counts
            );
        }
        Ok(took)
    }
}

/// How many transactions a database in WAL mode has seen since its log began: the counter in the
/// header of the WAL index. The difference of two is that of commits between them.
pub fn commits(database: &Path) -> Result<u32> {
    let index = format!("{}-shm", database.display());
    let bytes = std::fs::read(&index).with_context(|| format!("cannot read {index}"))?;
    let counter = bytes.get(8..12).and_then(|bytes| bytes.try_into().ok());
    Ok(u32::from_ne_bytes(counter.context("no WAL index")?))
}

fn tables(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'scim\\_%' ESCAPE '\\'",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// The expression that tells which resource a row of a table belongs to, if it belongs to one.
fn resource_key(table: &str, columns: &[String]) -> Option<&'static str> {
    let has = |name: &str| columns.iter().any(|column| column == name);
    if table == "scim_resource" {
        Some("t.key")
    } else if has("resource") {
        Some("t.resource")
    } else if has("tenant") && has("id") {
        Some("(SELECT r.key FROM scim_resource r WHERE r.tenant = t.tenant AND r.id = t.id)")
    } else {
        None
    }
}

fn counts(connection: &Connection) -> Result<Vec<(String, i64)>> {
    let count = |table: String| -> Result<(String, i64)> {
        let rows =
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        Ok((table, rows))
    };
    tables(connection)?.into_iter().map(count).collect()
}
