DELETE FROM notify_inbox
WHERE (tenant, recipient, sequence) IN (
    SELECT tenant, recipient, sequence
    FROM notify_inbox
    WHERE over_at IS NULL AND at < ?
    ORDER BY at
    LIMIT ?
)
RETURNING tenant, recipient, status
