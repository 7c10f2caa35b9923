UPDATE notify_queue
SET state = 0, due = min(due, ?), epoch = epoch + (state <> 0), crashes = 0, owner = NULL, until = NULL
WHERE no = (SELECT no FROM notify_jobs WHERE kind = ? AND subject = ?)
