UPDATE notify_digests SET joined = v.column2, open = v.column3
FROM (VALUES /*padded*/(?, ?, ?)) AS v
WHERE notify_digests.id = v.column1
