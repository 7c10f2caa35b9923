UPDATE notify_queue
SET state = 0, due = ?, owner = NULL, until = NULL
WHERE no = (SELECT no FROM notify_jobs WHERE kind = ? AND subject = ?)
