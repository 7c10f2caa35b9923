INSERT INTO notify_inbox_state (tenant, recipient, last_sequence, items, unread, unseen, retention_days)
VALUES (?, ?, 0, 0, 0, 0, ?)
ON CONFLICT (tenant, recipient) DO UPDATE SET retention_days = excluded.retention_days
