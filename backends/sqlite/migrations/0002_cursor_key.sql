-- The key that cursors are sealed with (RFC 9865). It lives here so that a cursor works after a
-- restart and on every process that shares the database.
CREATE TABLE scim_cursor_key (
    key BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;

INSERT INTO scim_cursor_key (key) VALUES (randomblob(32));
