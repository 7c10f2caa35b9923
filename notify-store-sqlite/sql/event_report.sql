INSERT INTO notify_delivery_events (delivery, no, at, kind, reason, attempt, provider, message_id, fault, report)
SELECT v.column1, (SELECT coalesce(max(no), 0) + 1 FROM notify_delivery_events WHERE delivery = v.column1),
    v.column2, v.column3, v.column4, v.column5, v.column6, v.column7, v.column8, v.column9
FROM (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)) AS v
