-- Every key that ever signed here or was trusted, whatever it is for. A key never changes what it is for: a host that trusts it for one kind of certificate would be opened by the other.
ALTER TABLE user_ca_keys RENAME TO ca_keys;
ALTER TABLE ca_keys ADD COLUMN purpose TEXT NOT NULL DEFAULT 'user';
-- Which key signed it; 0 where the recorded bytes do not say.
ALTER TABLE host_certificates ADD COLUMN ca INTEGER NOT NULL DEFAULT 0;
INSERT OR IGNORE INTO ca_keys (key, since, purpose) SELECT signature_key(to_be_signed), min(issued), 'host' FROM host_certificates WHERE signature_key(to_be_signed) IS NOT NULL GROUP BY 1 ORDER BY 2;
UPDATE host_certificates SET ca = coalesce((SELECT id FROM ca_keys WHERE key = signature_key(to_be_signed)), 0);
ALTER TABLE sync_certificates ADD COLUMN ca INTEGER NOT NULL DEFAULT 0;
INSERT OR IGNORE INTO ca_keys (key, since, purpose) SELECT signature_key(to_be_signed), min(issued), 'sync' FROM sync_certificates WHERE signature_key(to_be_signed) IS NOT NULL GROUP BY 1 ORDER BY 2;
UPDATE sync_certificates SET ca = coalesce((SELECT id FROM ca_keys WHERE key = signature_key(to_be_signed)), 0);
