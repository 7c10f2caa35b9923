DELETE FROM notify_inbox
WHERE (tenant, recipient, sequence) IN (
    SELECT tenant, recipient, sequence
    FROM notify_inbox
    WHERE over_at < ?
    ORDER BY over_at
    LIMIT ?
)
RETURNING tenant, recipient, status
