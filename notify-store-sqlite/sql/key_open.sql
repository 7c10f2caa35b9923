SELECT v.column1
FROM (VALUES /*padded*/(?)) AS v
WHERE EXISTS (
    SELECT 1 FROM notify_deliveries AS d
    WHERE d.no >= v.column1 AND d.notification = v.column1 AND d.state IN (1, 2, 3) AND d.no < coalesce(
        (SELECT min(later.no) FROM notify_notifications AS later WHERE later.no > v.column1),
        9223372036854775807)
)
