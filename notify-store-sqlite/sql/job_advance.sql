UPDATE notify_jobs SET payload = ? WHERE kind = ? AND subject = ?
