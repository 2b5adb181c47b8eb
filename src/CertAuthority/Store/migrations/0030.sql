-- How much of the audit is in an archive outside of this database; one row. Entries up to the number "through" may be removed, and were up
-- to "removed"; "leaves" of them are in the tree, which keeps their hashes. All of them are from before the time "before".
CREATE TABLE audit_archive (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    through  INTEGER NOT NULL,
    removed  INTEGER NOT NULL,
    leaves   INTEGER NOT NULL,
    before   INTEGER
) STRICT;
INSERT INTO audit_archive VALUES (1, 0, 0, 0, NULL);
-- The only way for an entry to go: its number is at most "through", which only grows, and only within a tree with a signed checkpoint.
DROP TRIGGER audit_kept;
CREATE TRIGGER audit_kept BEFORE DELETE ON audit WHEN NOT EXISTS (SELECT 1 FROM audit_archive WHERE OLD.id <= through)
BEGIN SELECT RAISE(ABORT, 'an entry of the audit cannot be removed before it is archived'); END;
CREATE TRIGGER audit_archive_kept BEFORE DELETE ON audit_archive
BEGIN SELECT RAISE(ABORT, 'how much of the audit is archived cannot be forgotten'); END;
CREATE TRIGGER audit_archive_grows BEFORE UPDATE ON audit_archive
WHEN NEW.through < OLD.through OR NEW.removed < OLD.removed OR NEW.removed > NEW.through OR (NEW.through > OLD.through
    AND NOT EXISTS (SELECT 1 FROM audit_tree WHERE note IS NOT NULL AND NEW.through <= last_entry))
BEGIN SELECT RAISE(ABORT, 'only entries in a signed checkpoint can be archived'); END;
