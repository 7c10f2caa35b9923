WITH asked AS (
    SELECT d.no, n.accepted_at
    FROM notify_deliveries AS d
    JOIN notify_tenants AS t ON t.no = d.tenant
    JOIN notify_notifications AS n ON n.no = d.notification
    WHERE d.id = ? AND t.tenant = ?
)
SELECT at, kind, reason, attempt, provider, message_id, fault, report, price, currency, segments
FROM (
    SELECT 0 AS no, accepted_at AS at, 'accepted' AS kind, NULL AS reason, NULL AS attempt, NULL AS provider, NULL AS message_id,
        NULL AS fault, NULL AS report, NULL AS price, NULL AS currency, NULL AS segments
    FROM asked
    UNION ALL
    SELECT e.no, e.at, k.word, r.word, e.attempt, p.word, e.message_id, e.fault, e.report,
        e.price, e.currency, e.segments
    FROM asked
    CROSS JOIN notify_delivery_events AS e ON e.delivery = asked.no
    JOIN notify_words AS k ON k.no = e.kind
    LEFT JOIN notify_words AS r ON r.no = e.reason
    LEFT JOIN notify_words AS p ON p.no = e.provider
)
ORDER BY at, no
