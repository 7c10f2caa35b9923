SELECT d.id, m.merged
FROM (VALUES /*padded*/(?)) AS v
CROSS JOIN notify_deliveries AS d ON d.id = v.column1
CROSS JOIN notify_digest_members AS m ON m.delivery = d.no AND m.merged IS NOT NULL
