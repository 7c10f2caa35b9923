DELETE FROM notify_notifications
WHERE key IS NULL AND no IN (VALUES /*padded*/(?)) AND NOT EXISTS (
    SELECT 1 FROM notify_deliveries AS d
    WHERE d.no >= notify_notifications.no AND d.notification = notify_notifications.no AND d.no < coalesce(
        (SELECT min(later.no) FROM notify_notifications AS later WHERE later.no > notify_notifications.no),
        9223372036854775807)
)
