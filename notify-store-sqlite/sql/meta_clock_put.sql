UPDATE notify_meta SET value = ? WHERE key = 'clock'
