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
