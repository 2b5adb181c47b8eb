-- Expands: the settings with which the daemon that led last brought the database in line. Other daemons must have the same.
CREATE TABLE shared_settings (
    one       BIGINT PRIMARY KEY CHECK (one = 1),
    settings  TEXT NOT NULL,
    machine   TEXT NOT NULL,
    host      TEXT NOT NULL
);
