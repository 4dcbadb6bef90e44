//! The databases that tests run on.

use std::path::Path;

use crate::captures::file_with;

/// A database that outlives the server, or not.
pub(crate) enum Database {
    /// A file in the working folder.
    Sqlite,
    Memory,
    Postgres(postgres_test_server::Database),
}

impl Database {
    /// An empty PostgreSQL database; `None`, said on one line, where there is no server.
    pub(crate) fn postgres(what: &str) -> Option<Self> {
        let database = postgres_test_server::database(&format!("{what}, on PostgreSQL"));
        database.unwrap().map(Self::Postgres)
    }

    /// What `--database` is told.
    pub(crate) fn flag(&self) -> &str {
        match self {
            Self::Sqlite => "sqlite:scim.db",
            Self::Memory => "memory:",
            Self::Postgres(database) => database.url(),
        }
    }

    /// Does something to it beside a server: statements for SQLite, and the same for PostgreSQL.
    pub(crate) fn run(&self, folder: &Path, sqlite: &str, postgres: &str) {
        match self {
            Self::Sqlite => {
                let file = rusqlite::Connection::open(folder.join("scim.db")).unwrap();
                file.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
                file.execute_batch(sqlite).unwrap();
            }
            Self::Memory => panic!("what is in memory is out of reach"),
            Self::Postgres(database) => database.run(postgres).unwrap(),
        }
    }

    /// Where a text is kept in it, as such or in bytes.
    pub(crate) fn place_of(&self, folder: &Path, text: &str) -> Option<String> {
        match self {
            Self::Sqlite | Self::Memory => file_with(folder, text),
            Self::Postgres(database) => {
                let found = database.run(&format!(
                    "DO $do$ DECLARE name text; count bigint; BEGIN
                         FOR name IN SELECT table_name FROM information_schema.tables
                             WHERE table_schema = 'public'
                         LOOP
                             EXECUTE format('SELECT count(*) FROM %I t WHERE
                                 strpos(t::text, %L) > 0
                                 OR strpos(t::text, encode(convert_to(%L, ''UTF8''), ''hex'')) > 0',
                                 name, $text${text}$text$, $text${text}$text$) INTO count;
                             IF count > 0 THEN RAISE EXCEPTION 'found in %', name; END IF;
                         END LOOP;
                     END $do$"
                ));
                found.err().map(|error| format!("{error:#}"))
            }
        }
    }
}

/// Runs a test on each database that outlives a server. What fails was on the one that was said
/// last.
pub(crate) fn on_each_that_lasts(what: &str, test: impl Fn(&Database)) {
    let databases = [Some(Database::Sqlite), Database::postgres(what)];
    databases.into_iter().flatten().for_each(|database| {
        println!("on {}", database.flag());
        test(&database);
    });
}

/// Runs a test on each database.
pub(crate) fn on_each(what: &str, test: impl Fn(&Database)) {
    on_each_that_lasts(what, &test);
    println!("in memory");
    test(&Database::Memory);
}
