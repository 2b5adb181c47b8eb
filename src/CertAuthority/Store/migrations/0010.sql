-- What a receiver wants to be told of, as the configuration says; empty lists stand for everything.
ALTER TABLE receivers ADD COLUMN events TEXT NOT NULL DEFAULT '[]';
ALTER TABLE receivers ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';
-- Whether it reaches people, each of whom hears what concerns him.
ALTER TABLE receivers ADD COLUMN personal INTEGER NOT NULL DEFAULT 0;
-- To whom it goes where the receiver reaches people: one row for each, so that no failure makes another be told twice.
ALTER TABLE outbox ADD COLUMN recipient TEXT;
