WITH engaged (at, kind) AS (VALUES (?, (SELECT no FROM notify_words WHERE word = ?)))
INSERT INTO notify_delivery_events (delivery, no, at, kind)
SELECT v.column1, (SELECT coalesce(max(no), 0) + 1 FROM notify_delivery_events WHERE delivery = v.column1), engaged.at, engaged.kind
FROM engaged CROSS JOIN (VALUES /*padded*/(?)) AS v
WHERE v.column1 IS NOT NULL
