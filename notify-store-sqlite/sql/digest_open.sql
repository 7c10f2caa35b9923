SELECT v.column1, d.id, d.joined
FROM (VALUES /*padded*/(?, ?, ?)) AS v
CROSS JOIN notify_digests AS d ON d.tenant = v.column2 AND d.key = v.column3 AND d.open = 1
