SELECT
    (SELECT value FROM notify_meta WHERE key = 'store'),
    (SELECT value FROM notify_meta WHERE key = 'pepper'),
    (SELECT value FROM notify_meta WHERE key = 'clock')
