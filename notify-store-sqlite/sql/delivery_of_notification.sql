WITH asked AS (
    SELECT n.no, coalesce((SELECT min(no) FROM notify_notifications AS later WHERE later.no > n.no), 9223372036854775807) AS later
    FROM notify_notifications AS n JOIN notify_tenants AS t ON t.no = n.tenant
    WHERE n.id = ? AND t.tenant = ?
)
SELECT v.*
FROM asked CROSS JOIN notify_delivery_view AS v ON v.no >= asked.no AND v.no < asked.later AND v.notification_no = asked.no
ORDER BY v.recipient, v.step, v.id
