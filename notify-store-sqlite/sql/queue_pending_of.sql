WITH RECURSIVE runs (run) AS (
    SELECT min(run) FROM notify_history
    UNION ALL
    SELECT (SELECT min(run) FROM notify_history WHERE run > runs.run) FROM runs WHERE run IS NOT NULL
),
page (no, due, id) AS MATERIALIZED (
    SELECT q.no, q.due, d.id
    FROM runs
    CROSS JOIN notify_history AS h ON h.run = runs.run AND h.bucket = ?2 AND h.tenant = ?1 AND h.recipient = ?10
    CROSS JOIN notify_queue AS q ON q.no = h.no
    CROSS JOIN notify_deliveries AS d ON d.no = h.no
    WHERE q.state = 0
        AND q.due >= ?3 AND q.due < ?4 AND (q.due, d.id) > (?5, ?6)
        AND d.state = ?7
        AND d.reason IN (SELECT no FROM notify_words WHERE word IN (SELECT value FROM json_each(?8)))
    ORDER BY q.due, d.id
    LIMIT ?9
)
SELECT v.* FROM page CROSS JOIN notify_delivery_view AS v ON v.no = page.no ORDER BY page.due, page.id
