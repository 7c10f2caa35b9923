DELETE FROM notify_audit
WHERE sequence IN (
    SELECT sequence FROM (SELECT sequence, at FROM notify_audit ORDER BY sequence LIMIT ?) WHERE at <= ?
)
