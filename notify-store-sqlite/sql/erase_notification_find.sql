SELECT n.no, n.request
FROM notify_notifications AS n
WHERE n.no IN (VALUES /*padded*/(?)) AND NOT EXISTS (
    SELECT 1 FROM notify_deliveries AS d
    WHERE d.no >= n.no AND d.notification = n.no AND substr(d.recipient, 1, 7) <> 'erased:' AND d.no < coalesce(
        (SELECT min(later.no) FROM notify_notifications AS later WHERE later.no > n.no), 9223372036854775807)
)
