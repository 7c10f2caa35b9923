DELETE FROM notify_inbox
WHERE tenant = ?1 AND recipient = ?2 AND sequence <= (
    SELECT sequence
    FROM notify_inbox
    WHERE tenant = ?1 AND recipient = ?2
    ORDER BY sequence
    LIMIT 1 OFFSET ?3
)
RETURNING recipient, status
