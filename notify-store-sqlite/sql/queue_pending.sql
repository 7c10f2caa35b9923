WITH page (no, due, id) AS MATERIALIZED (
    SELECT q.no, q.due, d.id
    FROM notify_lanes AS l
    CROSS JOIN notify_queue AS q
    CROSS JOIN notify_deliveries AS d ON d.no = q.no
    WHERE q.no IN (
        SELECT head.no
        FROM notify_queue AS head
        CROSS JOIN notify_deliveries AS held ON held.no = head.no
        WHERE head.state = 0 AND head.lane = l.no AND head.shard = ?2
            AND head.due >= ?3 AND head.due < ?4 AND (head.due, held.id) > (?5, ?6)
            AND held.tenant = ?1 AND held.state = ?7
            AND held.reason IN (SELECT no FROM notify_words WHERE word IN (SELECT value FROM json_each(?8)))
        ORDER BY head.due, held.id
        LIMIT ?9
    )
    ORDER BY q.due, d.id
    LIMIT ?9
)
SELECT v.* FROM page CROSS JOIN notify_delivery_view AS v ON v.no = page.no ORDER BY page.due, page.id
