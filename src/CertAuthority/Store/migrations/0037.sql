-- When the daemon took a report, by its own clock. Of a report from before, the time of the host is all that is known.
ALTER TABLE node_reports ADD COLUMN received INTEGER NOT NULL DEFAULT 0;
UPDATE node_reports SET received = time;
-- Whether a join is over for the daemon: it was refused, or the host has its certificate, or no node any more.
ALTER TABLE joins ADD COLUMN over INTEGER NOT NULL DEFAULT 0;
UPDATE joins SET over = 1 WHERE state = 'Refused';
CREATE INDEX joins_open ON joins (state, name) WHERE over = 0;
CREATE INDEX joins_over ON joins (decided) WHERE over = 1;
CREATE INDEX join_tokens_by_end ON join_tokens (ends);
