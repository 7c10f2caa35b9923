SELECT v.*
FROM (
    SELECT no, id FROM notify_deliveries
    WHERE tenant = (SELECT no FROM notify_tenants WHERE tenant = ?) AND state IN (8, 9) AND id < ?
    ORDER BY id DESC LIMIT ?
) AS page
CROSS JOIN notify_delivery_view AS v ON v.no = page.no
ORDER BY page.id DESC
