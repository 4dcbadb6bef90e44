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
    refers_to     TEXT              -- JSON array of the ids that the document refers to; NULL: none
) STRICT;

CREATE UNIQUE INDEX scim_resource_by_id ON scim_resource (tenant, id);
CREATE INDEX scim_resource_by_type ON scim_resource (tenant, type);
CREATE INDEX scim_resource_by_external_id ON scim_resource (tenant, type, external_id)
    WHERE external_id IS NOT NULL;
CREATE INDEX scim_resource_by_display_name ON scim_resource (tenant, type, display_name)
    WHERE display_name IS NOT NULL;
CREATE INDEX scim_resource_by_active ON scim_resource (tenant, type, active)
    WHERE active IS NOT NULL;

-- The document is a row of its own, so that a new version (a member added, say) does not write it
-- again.
CREATE TABLE scim_document (
    resource INTEGER PRIMARY KEY,
    text     TEXT NOT NULL
) STRICT;

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

CREATE UNIQUE INDEX scim_member_by_value ON scim_member (group_key, value);
CREATE INDEX scim_member_by_tenant_and_value ON scim_member (tenant, value);

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
