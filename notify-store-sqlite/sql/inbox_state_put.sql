INSERT INTO notify_inbox_state (tenant, recipient, last_sequence, items, unread, unseen)
VALUES /*rows*/(?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, recipient) DO UPDATE SET
    last_sequence = excluded.last_sequence,
    items = excluded.items,
    unread = excluded.unread,
    unseen = excluded.unseen
