SELECT v.column1, d.no, d.id, t.tenant
FROM (VALUES /*padded*/(?, ?)) AS v
CROSS JOIN notify_deliveries AS d ON d.id = v.column2
JOIN notify_tenants AS t ON t.no = d.tenant
