-- Who is one person is found by following the accounts of a user, in both directions.
CREATE INDEX user_accounts_by_user ON user_accounts (user_id);
-- Counts the changes of user_accounts, so that the daemon reads the list of all accounts again only when it can have changed.
ALTER TABLE policy ADD COLUMN accounts INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER account_added AFTER INSERT ON user_accounts BEGIN UPDATE policy SET accounts = accounts + 1; END;
CREATE TRIGGER account_removed AFTER DELETE ON user_accounts BEGIN UPDATE policy SET accounts = accounts + 1; END;
