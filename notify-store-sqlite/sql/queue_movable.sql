WITH asked (notification, tenant) AS (VALUES (?, ?))
SELECT v.column1, d.no, d.notification, d.state, r.word, q.state
FROM (VALUES /*padded*/(?, ?)) AS v
CROSS JOIN asked
CROSS JOIN notify_deliveries AS d ON d.id = v.column2
CROSS JOIN notify_notifications AS n ON n.no = d.notification AND n.id = asked.notification
CROSS JOIN notify_tenants AS t ON t.no = d.tenant AND t.tenant = asked.tenant
CROSS JOIN notify_queue AS q ON q.no = d.no
LEFT JOIN notify_words AS r ON r.no = d.reason
