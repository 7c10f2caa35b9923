SELECT tenant, recipient, status, sequence
FROM notify_inbox
WHERE stale_at IS NOT NULL AND stale_at <= ? AND status < 2
ORDER BY stale_at
LIMIT ?
