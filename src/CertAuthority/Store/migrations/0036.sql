-- Why a host that fetches does not accept its groups, as its last report says; NULL for nothing.
ALTER TABLE node_reports ADD COLUMN groups_fault TEXT;
