INSERT INTO notify_delivery_events (delivery, no, at, kind, reason)
SELECT v.column1, (SELECT coalesce(max(no), 0) + 1 FROM notify_delivery_events WHERE delivery = v.column1),
    v.column2, v.column3, v.column4
FROM (VALUES /*padded*/(?, ?, ?, ?)) AS v
WHERE v.column1 IS NOT NULL
