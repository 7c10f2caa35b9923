UPDATE notify_reports SET look_at = ? + max(? - since, 1000000) WHERE key IN (VALUES /*rows*/(?))
