UPDATE notify_inbox
SET status = 4, message = ?
WHERE (tenant, recipient, sequence) IN (VALUES /*rows*/(?, ?, ?))
