-- The product's tables. What SCIM needs beside what a product has anyway is marked.

CREATE TABLE IF NOT EXISTS users (
    id           TEXT PRIMARY KEY NOT NULL,    -- a UUID of version 7: in the order of creation
    login        TEXT NOT NULL,
    login_folded TEXT NOT NULL UNIQUE,         -- SCIM: `fold` of it, to compare without regard to case
    display_name TEXT,
    enabled      INTEGER,
    external_id  TEXT,                         -- SCIM: the identity provider's own id
    rest         TEXT NOT NULL DEFAULT '{}',   -- SCIM: attributes that have no column, as JSON
    version      INTEGER NOT NULL DEFAULT 1,   -- SCIM: one more with each change, the product's own too
    created_at   INTEGER NOT NULL,             -- microseconds since 1970
    changed_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS users_by_external_id ON users (external_id);
CREATE INDEX IF NOT EXISTS users_by_change ON users (changed_at);

CREATE TABLE IF NOT EXISTS user_emails (
    user_id        TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    place          INTEGER NOT NULL,
    address        TEXT,
    address_folded TEXT,                       -- SCIM
    kind           TEXT,
    rest           TEXT NOT NULL DEFAULT '{}', -- SCIM
    PRIMARY KEY (user_id, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS user_emails_by_address ON user_emails (address_folded);

CREATE TABLE IF NOT EXISTS teams (
    id           TEXT PRIMARY KEY NOT NULL,
    name         TEXT NOT NULL,
    name_folded  TEXT NOT NULL,                -- SCIM
    claimed_name TEXT UNIQUE,                  -- SCIM: the folded name, where it must be unique
    external_id  TEXT,                         -- SCIM
    rest         TEXT NOT NULL DEFAULT '{}',   -- SCIM
    version      INTEGER NOT NULL DEFAULT 1,   -- SCIM
    created_at   INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS teams_by_name ON teams (name_folded);
CREATE INDEX IF NOT EXISTS teams_by_external_id ON teams (external_id);
CREATE INDEX IF NOT EXISTS teams_by_change ON teams (changed_at);

-- A member is a user, a team, or somebody whom the identity provider has named too early, of whom
-- `kind` is what it said he is.
CREATE TABLE IF NOT EXISTS team_members (
    place   INTEGER PRIMARY KEY,               -- in the order of joining
    team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    member  TEXT NOT NULL,
    kind    TEXT,
    UNIQUE (team_id, member)
) STRICT;
CREATE INDEX IF NOT EXISTS team_members_by_team ON team_members (team_id, place);
CREATE INDEX IF NOT EXISTS team_members_by_member ON team_members (member);

-- SCIM: what is in the tables as attributes in JSON, and how attributes get into the tables. Those
-- that have a column are in `rest` no more.

CREATE VIEW IF NOT EXISTS scim_users AS
SELECT id, version, created_at, changed_at, FALSE AS claims_name, json_patch(rest, json_object(
    'userName', login,
    'displayName', display_name,
    'active', json(CASE enabled WHEN TRUE THEN 'true' WHEN FALSE THEN 'false' END),
    'externalId', external_id,
    'emails', json((
        SELECT nullif(json_group_array(
            json_patch(e.rest, json_object('value', e.address, 'type', e.kind)) ORDER BY e.place), '[]')
        FROM user_emails e WHERE e.user_id = users.id)))) AS attributes
FROM users;

CREATE TRIGGER IF NOT EXISTS scim_users_save INSTEAD OF INSERT ON scim_users BEGIN
    INSERT INTO users
        (id, login, login_folded, display_name, enabled, external_id, rest, version, created_at, changed_at)
    VALUES (new.id,
        new.attributes ->> 'userName',
        fold(new.attributes ->> 'userName'),
        new.attributes ->> 'displayName',
        new.attributes ->> 'active',
        new.attributes ->> 'externalId',
        json_remove(new.attributes, '$.userName', '$.displayName', '$.active', '$.externalId', '$.emails'),
        0, new.changed_at, new.changed_at)
    ON CONFLICT (id) DO UPDATE SET login = excluded.login, login_folded = excluded.login_folded,
        display_name = excluded.display_name, enabled = excluded.enabled,
        external_id = excluded.external_id, rest = excluded.rest;
    DELETE FROM user_emails WHERE user_id = new.id;
    INSERT INTO user_emails (user_id, place, address, address_folded, kind, rest)
    SELECT new.id, key, value ->> 'value', fold(value ->> 'value'), value ->> 'type',
        json_remove(value, '$.value', '$.type')
    FROM json_each(new.attributes, '$.emails');
END;

CREATE VIEW IF NOT EXISTS scim_teams AS
SELECT id, version, created_at, changed_at, claimed_name IS NOT NULL AS claims_name, json_patch(rest, json_object(
    'displayName', name,
    'externalId', external_id)) AS attributes
FROM teams;

CREATE TRIGGER IF NOT EXISTS scim_teams_save INSTEAD OF INSERT ON scim_teams BEGIN
    INSERT INTO teams
        (id, name, name_folded, claimed_name, external_id, rest, version, created_at, changed_at)
    VALUES (new.id,
        new.attributes ->> 'displayName',
        fold(new.attributes ->> 'displayName'),
        iif(new.claims_name, fold(new.attributes ->> 'displayName'), NULL),
        new.attributes ->> 'externalId',
        json_remove(new.attributes, '$.displayName', '$.externalId'),
        0, new.changed_at, new.changed_at)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_folded = excluded.name_folded,
        claimed_name = excluded.claimed_name, external_id = excluded.external_id, rest = excluded.rest;
END;

-- SCIM: who there is, and members with what is known of them.
CREATE VIEW IF NOT EXISTS scim_known AS
SELECT id, 'User' AS kind, display_name AS display, TRUE AS is_known FROM users
UNION ALL SELECT id, 'Group', name, TRUE FROM teams;

CREATE VIEW IF NOT EXISTS scim_members AS
SELECT m.team_id, m.place, m.member,
    CASE WHEN u.id IS NOT NULL THEN 'User' WHEN t.id IS NOT NULL THEN 'Group' ELSE m.kind END AS kind,
    coalesce(u.display_name, t.name) AS display,
    coalesce(u.id, t.id) IS NOT NULL AS is_known
FROM team_members m LEFT JOIN users u ON u.id = m.member LEFT JOIN teams t ON t.id = m.member;
