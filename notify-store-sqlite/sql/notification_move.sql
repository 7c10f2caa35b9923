UPDATE notify_notifications SET request = ?, expires_at = ? WHERE no = ?
