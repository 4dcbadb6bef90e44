//! Connections: where the database is and how it is opened.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::OpenError;
use crate::mapping;
use crate::options::SqliteOptions;

/// Statements that a connection keeps prepared: more than there are fixed ones, since queries make
/// some of their own.
const PREPARED_STATEMENTS: usize = 128;

/// Memory for pages that the writer keeps at most, in KiB. Rows of one change lie far apart in the
/// indexes of a large database; with SQLite's 2 MiB it would read their pages again each time.
const WRITER_CACHE_KIB: i64 = 64 * 1024;

/// A database in a file, or in memory.
///
/// In a file, readers have connections of their own, and WAL lets them work beside the writer. In
/// memory there is one connection and everybody takes turns: SQLite's shared cache would give
/// readers `SQLITE_LOCKED`, which no timeout waits for.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    File(Arc<File>),
    Memory(Arc<Mutex<Connection>>),
}

/// A database file and the connections that nobody reads with at the moment.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    options: SqliteOptions,
    idle: [Shelf; SHELVES],
}

/// Idle connections of some threads. A thread takes the one it had before: the processor it runs on
/// has much of that connection's pages and statements in its own cache, and nobody waits for the lock.
///
/// Aligned so that no two shelves share a line of the cache.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shelf(Mutex<Vec<Connection>>);

/// The connection that writes: its owner's alone, or the one that everybody shares.
#[derive(Debug)]
pub(crate) enum WriteConnection {
    Own(Connection),
    Shared(Arc<Mutex<Connection>>),
}

/// Shelves for idle connections, over which threads are spread.
const SHELVES: usize = 16;

/// Idle connections that a shelf holds at most; a thread that finds none anywhere opens one.
const MAX_IDLE: usize = 4;

impl Database {
    /// Opens a file, which is made if it isn't there, and gives the connection to write with.
    pub(crate) fn open_file(
        path: &Path,
        options: &SqliteOptions,
    ) -> Result<(Self, Connection), OpenError> {
        let connection = connect(path, options, OpenFlags::SQLITE_OPEN_CREATE)?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if !mode.eq_ignore_ascii_case("wal") {
            let refused = format!("the file system does not allow WAL; the journal mode is {mode}");
            return Err(OpenError::Database(refused.into()));
        }
        connection.pragma_update(None, "synchronous", options.synchronous.as_str())?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        let file =
            File { path: path.to_owned(), options: options.clone(), idle: Default::default() };
        Ok((Self::File(Arc::new(file)), connection))
    }

    /// Reads in one consistent state.
    pub(crate) fn read<T, E: From<rusqlite::Error>>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read_alone(|connection| in_snapshot(connection, read))
    }

    /// The same where what reads sees to it itself, by one statement that is under way throughout.
    pub(crate) fn read_alone<T, E: From<rusqlite::Error>>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        match self {
            Self::File(file) => {
                let connection = file.take()?;
                let result = read(&connection);
                file.put_back(connection);
                result
            }
            Self::Memory(connection) => read(&lock(connection)),
        }
    }
}

impl File {
    fn take(&self) -> rusqlite::Result<Connection> {
        let (before, after) = self.idle.split_at(own_shelf());
        if let Some(connection) = after.iter().chain(before).find_map(Shelf::take) {
            return Ok(connection);
        }
        let connection = connect(&self.path, &self.options, OpenFlags::empty())?;
        connection.pragma_update(None, "query_only", true)?;
        if self.options.mapped_bytes > 0 {
            let limit = i64::try_from(self.options.mapped_bytes).unwrap_or(i64::MAX);
            connection.pragma_update(None, "mmap_size", limit)?;
        }
        Ok(connection)
    }

    /// A connection that is not given back is closed, so one whose state is in doubt is.
    fn put_back(&self, connection: Connection) {
        if !connection.is_autocommit() {
            return;
        }
        if let Some(shelf) = self.idle.get(own_shelf()) {
            shelf.put(connection);
        }
    }
}

impl Shelf {
    fn take(&self) -> Option<Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put(&self, connection: Connection) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
    }
}

/// The shelf of this thread.
fn own_shelf() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHELVES;
    }
    OWN.with(|own| *own)
}

impl WriteConnection {
    /// The connection, for as long as the guard lives; it is not in a transaction.
    pub(crate) fn lock(&self) -> impl Deref<Target = Connection> {
        match self {
            Self::Own(connection) => Held::Own(connection),
            Self::Shared(connection) => Held::Shared(lock(connection)),
        }
    }
}

enum Held<'a> {
    Own(&'a Connection),
    Shared(MutexGuard<'a, Connection>),
}

impl Deref for Held<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            Self::Own(connection) => connection,
            Self::Shared(guard) => guard,
        }
    }
}

/// A connection that everybody shares. Whoever held it before may have panicked in a transaction.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
    if !connection.is_autocommit() {
        // When even this fails, so does the next statement, and its caller hears of it.
        let _ = connection.execute_batch("ROLLBACK");
    }
    connection
}

fn connect(
    path: &Path,
    options: &SqliteOptions,
    create: OpenFlags,
) -> rusqlite::Result<Connection> {
    // Without URI names: a path that begins with `file:` is a path.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags | create)?;
    prepare(&connection)?;
    connection.busy_timeout(options.busy_timeout)?;
    Ok(connection)
}

/// The connection of a database in memory.
pub(crate) fn connect_memory() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    prepare(&connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    mapping::add_functions(connection)?;
    // Plans do not depend on what is bound. Otherwise SQLite looks at the values of parameters, and
    // plans most statements anew each time they are bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// Runs what reads in a transaction, so that all its statements see one state.
fn in_snapshot<T, E: From<rusqlite::Error>>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let result = read(connection);
    let ended = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
    if ended.is_err() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    result
}
