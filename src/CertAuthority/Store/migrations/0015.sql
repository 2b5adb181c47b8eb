-- What time it was, by a clock that was trusted, so that the next daemon notices a clock that was set meanwhile.
CREATE TABLE clock (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    boot        TEXT NOT NULL,
    since_boot  INTEGER NOT NULL,
    time        INTEGER NOT NULL
) STRICT;
