SELECT v.column1, d.no, d.id, t.tenant
FROM (VALUES /*padded*/(?, ?, ?)) AS v
CROSS JOIN notify_messages AS m ON m.message = v.column3 AND m.provider = (SELECT w.no FROM notify_words AS w WHERE w.word = v.column2)
CROSS JOIN notify_deliveries AS d ON d.no = m.delivery
JOIN notify_tenants AS t ON t.no = d.tenant
