SELECT m.bucket, d.no, d.id
FROM (VALUES /*padded*/(?)) AS v
CROSS JOIN notify_digest_members AS m ON m.bucket = v.column1 AND m.merged IS NULL
CROSS JOIN notify_deliveries AS d ON d.no = m.delivery AND d.state = 1
