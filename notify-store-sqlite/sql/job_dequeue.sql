DELETE FROM notify_queue WHERE no = (SELECT no FROM notify_jobs WHERE kind = ? AND subject = ?)
