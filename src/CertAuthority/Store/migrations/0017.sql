-- When a run of the daemon began to serve and when it stopped in order, and under which settings, so that the next one can say what is different. Null where that was not recorded.
ALTER TABLE runs ADD COLUMN started INTEGER;
ALTER TABLE runs ADD COLUMN stopped INTEGER;
ALTER TABLE runs ADD COLUMN settings TEXT;
-- What an administrator approved a request in spite of: thresholds that the votes had not reached, a role that changed since.
ALTER TABLE requests ADD COLUMN overridden TEXT NOT NULL DEFAULT '[]';
