-- Certificates of hosts. A row is written before the signature exists, and counts as issued from then on; the signed bytes come after.
CREATE TABLE host_certificates (
    serial          INTEGER PRIMARY KEY,
    node_id         TEXT NOT NULL,
    node_name       TEXT NOT NULL,
    caller_uid      INTEGER NOT NULL,
    caller_account  TEXT,
    principals      TEXT NOT NULL,
    issued          INTEGER NOT NULL,
    valid_after     INTEGER NOT NULL,
    valid_before    INTEGER NOT NULL,
    to_be_signed    BLOB NOT NULL,
    certificate     BLOB
) STRICT;
CREATE INDEX host_certificates_by_node ON host_certificates (node_id, serial DESC);
