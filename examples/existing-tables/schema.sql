-- The product's tables. What SCIM needs beside what a product has anyway is marked.

CREATE TABLE IF NOT EXISTS users (
    id              TEXT PRIMARY KEY NOT NULL,   -- a UUID of version 7: in the order of creation
    login           TEXT NOT NULL,
    login_folded    TEXT NOT NULL UNIQUE,        -- SCIM: `fold` of it, to compare without regard to case
    display_name    TEXT,
    display_folded  TEXT,                        -- SCIM
    given_name      TEXT,
    given_folded    TEXT,                        -- SCIM
    family_name     TEXT,
    family_folded   TEXT,                        -- SCIM
    title           TEXT,
    title_folded    TEXT,                        -- SCIM
    enabled         INTEGER,
    employee_number TEXT,
    employee_folded TEXT,                        -- SCIM
    external_id     TEXT,                        -- SCIM: the identity provider's own id
    rest            TEXT NOT NULL DEFAULT '{}',  -- SCIM: attributes that have no column, as JSON
    version         INTEGER NOT NULL DEFAULT 1,  -- SCIM
    created_at      INTEGER NOT NULL,            -- microseconds since 1970
    changed_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS users_by_display_name ON users (display_folded);
CREATE INDEX IF NOT EXISTS users_by_employee_number ON users (employee_folded);
CREATE INDEX IF NOT EXISTS users_by_external_id ON users (external_id);
CREATE INDEX IF NOT EXISTS users_by_change ON users (changed_at);

CREATE TABLE IF NOT EXISTS user_emails (
    user_id        TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    place          INTEGER NOT NULL,
    address        TEXT,
    address_folded TEXT,                         -- SCIM
    kind           TEXT,
    kind_folded    TEXT,                         -- SCIM
    label          TEXT,
    is_primary     INTEGER,
    PRIMARY KEY (user_id, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS user_emails_by_address ON user_emails (address_folded);

CREATE TABLE IF NOT EXISTS teams (
    id           TEXT PRIMARY KEY NOT NULL,
    name         TEXT NOT NULL,
    name_folded  TEXT NOT NULL,                  -- SCIM
    claimed_name TEXT UNIQUE,                    -- SCIM: the folded name, where it must be unique
    external_id  TEXT,                           -- SCIM
    rest         TEXT NOT NULL DEFAULT '{}',     -- SCIM
    version      INTEGER NOT NULL DEFAULT 1,     -- SCIM
    created_at   INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS teams_by_name ON teams (name_folded);
CREATE INDEX IF NOT EXISTS teams_by_external_id ON teams (external_id);
CREATE INDEX IF NOT EXISTS teams_by_change ON teams (changed_at);

-- A member is a user, a team, or somebody whom the identity provider has named too early, of whom
-- `kind` is what it said he is.
CREATE TABLE IF NOT EXISTS team_members (
    team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    place   INTEGER NOT NULL,                    -- in the order of joining
    member  TEXT NOT NULL,
    kind    TEXT,
    PRIMARY KEY (team_id, place),
    UNIQUE (team_id, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS team_members_by_member ON team_members (member);

-- SCIM: what seals the cursors of pages, so that they outlive a restart.
CREATE TABLE IF NOT EXISTS scim_cursor_key (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    key BLOB NOT NULL
) STRICT;
