WITH gone (no, id) AS (VALUES /*padded*/(?, ?)),
taken (message, address) AS MATERIALIZED (
    SELECT m.message, m.address FROM gone CROSS JOIN notify_messages AS m ON m.delivery = gone.no
)
DELETE FROM notify_reports
WHERE event ->> '$.delivery' IN (SELECT id FROM gone) OR event ->> '$.message_id' IN (SELECT message FROM taken)
    OR address IN (SELECT address FROM taken)
