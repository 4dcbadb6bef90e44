-- Resources, their documents, and what is found by index.
--
-- Names begin with `scim_`, so that a product may keep tables of its own in the same schema.
-- Instants are microseconds since 1970-01-01T00:00:00Z. Text compares by code points, whatever the
-- collation of the database, so that it compares as the evaluator of filters has it.

-- Names that many rows repeat, as small integers.
CREATE TABLE scim_tenant (
    key  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE scim_resource_type (
    key  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- Attributes that `scim_unique_value` and `scim_indexed_value` speak of, with the URN of their schema.
CREATE TABLE scim_attribute (
    key  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path text COLLATE "C" NOT NULL UNIQUE
);

-- One row a resource. The key is the sequence of creation.
--
-- The index by key alone is a hash, which has no order: a page in the order of keys can so only be
-- had from an index that begins with the tenant and the type, whatever the planner thinks of them.
CREATE TABLE scim_resource (
    tenant        bigint NOT NULL,
    type          bigint NOT NULL,
    key           bigint GENERATED ALWAYS AS IDENTITY,
    id            text COLLATE "C" NOT NULL,
    version       bigint NOT NULL,
    created       bigint NOT NULL,
    last_modified bigint NOT NULL,
    external_id   text COLLATE "C",   -- as it compares: folded unless caseExact
    user_name     text COLLATE "C",   -- as it compares
    display_name  text COLLATE "C",   -- as it compares
    active        boolean,
    display       text COLLATE "C",   -- what a reference to the resource shows
    refers_to     text[] COLLATE "C", -- the ids that the document refers to; NULL: none
    PRIMARY KEY (tenant, type, key)
);

CREATE UNIQUE INDEX scim_resource_by_id ON scim_resource (tenant, id);
CREATE INDEX scim_resource_by_key ON scim_resource USING hash (key);
-- An entry of an index is bounded, so long values are found by their beginning.
CREATE INDEX scim_resource_by_external_id
    ON scim_resource (tenant, type, left(external_id, 200), key) WHERE external_id IS NOT NULL;
CREATE INDEX scim_resource_by_display_name
    ON scim_resource (tenant, type, left(display_name, 200), key) WHERE display_name IS NOT NULL;
CREATE INDEX scim_resource_by_active
    ON scim_resource (tenant, type, active, key) WHERE active IS NOT NULL;
-- What changed since some time (`meta.lastModified gt …`), as clients ask that follow the changes.
CREATE INDEX scim_resource_by_last_modified ON scim_resource (tenant, type, last_modified, key);

-- The document is a row of its own, so that a new version (a member added, say) does not write it
-- again.
CREATE TABLE scim_document (
    resource bigint PRIMARY KEY,
    text     text NOT NULL
);

-- Uniqueness is the primary key. A value is text that is equal where values compare as equal; see
-- the module `entry`.
CREATE TABLE scim_unique_value (
    tenant    bigint NOT NULL,
    attribute bigint NOT NULL,
    value     text COLLATE "C" NOT NULL,
    resource  bigint NOT NULL,
    PRIMARY KEY (tenant, attribute, value)
);

CREATE TABLE scim_indexed_value (
    tenant    bigint NOT NULL,
    attribute bigint NOT NULL,
    value     text COLLATE "C" NOT NULL,
    resource  bigint NOT NULL,
    PRIMARY KEY (tenant, attribute, value, resource)
);

-- Members in the order they were added: whoever adds some holds the row of the group, so that a
-- sequence gives what comes later a higher position. `value` need not be the id of a resource;
-- `type` is what the client called it.
CREATE TABLE scim_member (
    group_key bigint NOT NULL,
    position  bigint GENERATED ALWAYS AS IDENTITY,
    tenant    bigint NOT NULL,
    value     text COLLATE "C" NOT NULL,
    type      text COLLATE "C",
    PRIMARY KEY (group_key, position)
);

-- Whether a group has a member, and which groups have one.
CREATE UNIQUE INDEX scim_member_by_value ON scim_member (tenant, value, group_key);

-- Deleted groups whose member rows are still there.
CREATE TABLE scim_sweep (
    group_key bigint PRIMARY KEY
);

-- How many resources there are, so that nobody has to count them: the sum over the shards, of which
-- there are several so that writers do not wait for each other.
CREATE TABLE scim_population (
    tenant    bigint NOT NULL,
    type      bigint NOT NULL,
    shard     bigint NOT NULL,
    resources bigint NOT NULL,
    PRIMARY KEY (tenant, type, shard)
) WITH (fillfactor = 50);

-- What changed, in the transaction that changed it. Transactions end in another order than that of
-- their numbers; whoever reads takes those only before which all have ended.
CREATE TABLE scim_event (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    position    bigint GENERATED ALWAYS AS IDENTITY,
    tenant      bigint NOT NULL,
    type        bigint NOT NULL,
    id          text COLLATE "C" NOT NULL,
    kind        smallint NOT NULL,
    version     bigint NOT NULL,
    principal   text COLLATE "C" NOT NULL,
    time        bigint NOT NULL,
    PRIMARY KEY (transaction, position)
);

-- What the rows above were derived by; see the module `fingerprint`.
CREATE TABLE scim_fingerprint (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    generation bigint NOT NULL,
    text       text NOT NULL
);

-- The key that cursors are sealed with (RFC 9865), the same for all nodes.
CREATE TABLE scim_cursor_key (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    key  bytea NOT NULL CHECK (length(key) = 32)
);
