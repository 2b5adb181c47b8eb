-- Where uids mean the same people; the first realm, number 0, may have no name. An earlier daemon would take the uids of others for its own.
CREATE TABLE realms (
    number   BIGINT PRIMARY KEY,
    name     TEXT UNIQUE,
    machine  TEXT NOT NULL
);
INSERT INTO realms (number, name, machine) SELECT 0, realm, machine FROM writer;
