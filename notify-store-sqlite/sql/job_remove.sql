DELETE FROM notify_jobs WHERE kind = ? AND subject = ?
