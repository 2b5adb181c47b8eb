-- What an administrator has locked. Part of the policy: a new generation with each change.
CREATE TABLE locks (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    revision  INTEGER NOT NULL,
    resource  TEXT NOT NULL
) STRICT;
