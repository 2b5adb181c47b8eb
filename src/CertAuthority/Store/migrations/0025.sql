-- The number of an entry is its position for whoever follows the audit. SQLite gives each entry the number after the largest one, and takes
-- the numbers of a transaction back that is undone; so they have no gap as long as none is removed or changed.
CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'an entry of the audit cannot be removed'); END;
CREATE TRIGGER audit_numbered BEFORE UPDATE OF id ON audit BEGIN SELECT RAISE(ABORT, 'an entry of the audit keeps its number'); END;
