INSERT INTO notify_digest_members (delivery, bucket)
SELECT d.no, v.column2
FROM (VALUES /*padded*/(?, ?)) AS v
CROSS JOIN notify_deliveries AS d ON d.id = v.column1
