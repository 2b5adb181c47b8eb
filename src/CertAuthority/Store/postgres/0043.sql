-- Expands: what the status shows of each daemon. A directory has one daemon at a time, so it tells the daemons of one machine apart.
ALTER TABLE writer ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE writer ADD COLUMN version TEXT NOT NULL DEFAULT '';
ALTER TABLE writer ADD COLUMN directory TEXT NOT NULL DEFAULT '';
ALTER TABLE followers ADD COLUMN version TEXT NOT NULL DEFAULT '';
ALTER TABLE followers ADD COLUMN directory TEXT NOT NULL DEFAULT '';
