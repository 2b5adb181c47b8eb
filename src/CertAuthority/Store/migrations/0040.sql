-- Whether only the last moments before the promotion of a server may be missing. A file is never promoted.
ALTER TABLE backup ADD COLUMN shortened INTEGER NOT NULL DEFAULT 0;
