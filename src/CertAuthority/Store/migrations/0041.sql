-- The settings with which the daemon that led last brought the database in line; other daemons must have the same.
CREATE TABLE shared_settings (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    settings  TEXT NOT NULL,
    machine   TEXT NOT NULL,
    host      TEXT NOT NULL
) STRICT;
