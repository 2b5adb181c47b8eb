-- What the daemon left on a host besides the list, to recognize it the next time: whether it left a manifest, the size of the audit that the
-- host witnessed, and what was found changed there.
ALTER TABLE node_syncs ADD COLUMN has_manifest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_syncs ADD COLUMN witnessed INTEGER;
ALTER TABLE node_syncs ADD COLUMN altered TEXT;
ALTER TABLE node_syncs ADD COLUMN altered_at INTEGER;
