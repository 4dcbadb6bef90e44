-- Resources, their documents and what is found by index.
--
-- Names begin with `scim_`, so that a product may keep tables of its own in the same file.
-- Instants are microseconds since 1970-01-01T00:00:00Z.

-- Names that many rows repeat, as small integers.
CREATE TABLE scim_tenant (
    key  INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE scim_resource_type (
    key  INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Attributes that `scim_unique_value` and `scim_indexed_value` speak of, with the URN of their schema.
CREATE TABLE scim_attribute (
    key  INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE
) STRICT;

-- One row a resource. The key is the sequence of creation; AUTOINCREMENT, since a key that is used
-- again would inherit member rows that are still to be swept.
--
-- The document is part of the row: a resource is read from one tree. That a new version writes it
-- again costs nothing, since the page is written anyway, and the members of a group are not in it.
CREATE TABLE scim_resource (
    key           INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant        INTEGER NOT NULL,
    type          INTEGER NOT NULL,
    id            TEXT NOT NULL,
    version       INTEGER NOT NULL,
    created       INTEGER NOT NULL,
    last_modified INTEGER NOT NULL,
    external_id   TEXT,             -- as it compares: folded unless caseExact
    user_name     TEXT,             -- as it compares
    display_name  TEXT,             -- as it compares
    active        INTEGER,
    display       TEXT,             -- what a reference to the resource shows
    refers_to     TEXT,             -- JSON array of the ids that the document refers to; NULL: none
    document      TEXT NOT NULL     -- last: what comes before is read without it
) STRICT;

-- What is shown of a member is in the index, so that the rows of members, with their documents, are
-- not read. An id is unique without it: the one statement that inserts looks for it.
CREATE INDEX scim_resource_by_id ON scim_resource (tenant, id, type, display);
CREATE INDEX scim_resource_by_type ON scim_resource (tenant, type);
CREATE INDEX scim_resource_by_external_id ON scim_resource (tenant, type, external_id)
    WHERE external_id IS NOT NULL;
CREATE INDEX scim_resource_by_display_name ON scim_resource (tenant, type, display_name)
    WHERE display_name IS NOT NULL;
CREATE INDEX scim_resource_by_active ON scim_resource (tenant, type, active)
    WHERE active IS NOT NULL;
-- What changed since some time (`meta.lastModified gt …`), as clients ask that follow the changes.
CREATE INDEX scim_resource_by_last_modified ON scim_resource (tenant, type, last_modified);

-- Uniqueness is the primary key. A value is as it compares: text (folded unless caseExact), an
-- integer (numbers, instants, 0 and 1 for booleans) or a real number.
CREATE TABLE scim_unique_value (
    tenant    INTEGER NOT NULL,
    attribute INTEGER NOT NULL,
    value     ANY NOT NULL,
    resource  INTEGER NOT NULL,
    PRIMARY KEY (tenant, attribute, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE scim_indexed_value (
    tenant    INTEGER NOT NULL,
    attribute INTEGER NOT NULL,
    value     ANY NOT NULL,
    resource  INTEGER NOT NULL,
    PRIMARY KEY (tenant, attribute, value, resource)
) STRICT, WITHOUT ROWID;

-- Members in the order they were added. `value` need not be the id of a resource; `type` is what
-- the client called it.
CREATE TABLE scim_member (
    group_key INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    tenant    INTEGER NOT NULL,
    value     TEXT NOT NULL,
    type      TEXT,
    PRIMARY KEY (group_key, position)
) STRICT, WITHOUT ROWID;

-- One index does for both: whether a group has a member, and which groups have one.
CREATE UNIQUE INDEX scim_member_by_value ON scim_member (tenant, value, group_key);

-- Deleted groups whose member rows are still there.
CREATE TABLE scim_sweep (
    group_key INTEGER PRIMARY KEY
) STRICT;

-- How many resources there are, so that nobody has to count them.
CREATE TABLE scim_population (
    tenant    INTEGER NOT NULL,
    type      INTEGER NOT NULL,
    resources INTEGER NOT NULL,
    PRIMARY KEY (tenant, type)
) STRICT, WITHOUT ROWID;

-- What the rows above were derived by; see the module `fingerprint`.
CREATE TABLE scim_fingerprint (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    text TEXT NOT NULL
) STRICT;

-- What changed, written along with each change, and kept for a while.
--
-- The position is one more than the largest there is. It is never given twice, since the newest
-- event is never removed; so it needs no AUTOINCREMENT, whose counter would be a page more to write
-- with each change.
CREATE TABLE scim_event (
    position  INTEGER PRIMARY KEY,
    tenant    INTEGER NOT NULL,
    type      INTEGER NOT NULL,
    id        TEXT NOT NULL,
    kind      INTEGER NOT NULL,     -- a number of scim-backend-sql's `event_code`
    version   INTEGER NOT NULL,
    principal TEXT NOT NULL,
    time      INTEGER NOT NULL
) STRICT;

-- The key that cursors are sealed with (RFC 9865). It lives here so that a cursor works after a
-- restart and on every process that shares the database.
CREATE TABLE scim_cursor_key (
    key BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;

INSERT INTO scim_cursor_key (key) VALUES (randomblob(32));
