DELETE FROM notify_inbox
WHERE (tenant, recipient, sequence) IN (
    SELECT
        full.column1,
        full.column2,
        (SELECT min(i.sequence) FROM notify_inbox AS i WHERE i.tenant = full.column1 AND i.recipient = full.column2)
    FROM (VALUES /*rows*/(?, ?)) AS full
)
RETURNING recipient, status
