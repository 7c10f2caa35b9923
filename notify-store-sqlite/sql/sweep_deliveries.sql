SELECT d.no, d.notification, d.tenant, t.tenant, d.recipient, d.state, d.updated_at, n.accepted_at
FROM (SELECT * FROM notify_deliveries WHERE no > ? ORDER BY no LIMIT ?) AS d
CROSS JOIN notify_tenants AS t ON t.no = d.tenant
CROSS JOIN notify_notifications AS n ON n.no = d.notification
ORDER BY d.no
