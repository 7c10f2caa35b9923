INSERT OR FAIL INTO notify_history (run, bucket, tenant, recipient, no)
WITH RECURSIVE young (run, last, bucket) AS (
    VALUES (?, ? - 1, ?)
    UNION ALL
    SELECT run + 1, last, bucket FROM young WHERE run < last
)
SELECT ?, h.bucket, h.tenant, h.recipient, h.no
FROM young CROSS JOIN notify_history AS h ON h.run = young.run AND h.bucket = young.bucket
ORDER BY h.tenant, h.recipient, h.no;
DELETE FROM notify_history
WHERE (run, bucket) IN (
    WITH RECURSIVE young (run, last, bucket) AS (
        VALUES (?, ? - 1, ?)
        UNION ALL
        SELECT run + 1, last, bucket FROM young WHERE run < last
    )
    SELECT run, bucket FROM young
)
