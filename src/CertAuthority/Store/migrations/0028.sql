-- Who went through the access of everybody, and signed it off. A review is never removed; its number is in the document that is signed.
CREATE TABLE access_reviews (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    started     INTEGER NOT NULL,
    started_by  TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    position    INTEGER NOT NULL,
    signed      INTEGER,
    signed_by   TEXT,
    signature   TEXT
) STRICT;
