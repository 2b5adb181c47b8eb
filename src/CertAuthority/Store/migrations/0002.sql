-- Serials that are revoked without a record of theirs: a restored database does not know what was signed after its backup.
CREATE TABLE lost_serials (
    first  INTEGER NOT NULL CHECK (first > 0),
    last   INTEGER NOT NULL CHECK (last >= first),
    until  INTEGER NOT NULL,
    PRIMARY KEY (first, last)
) STRICT, WITHOUT ROWID;

-- One row in the copy that a backup makes, none anywhere else: who starts on it restores.
CREATE TABLE backup (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    taken  INTEGER NOT NULL
) STRICT;
