UPDATE notify_queue
SET state = 0, due = v.column2, epoch = epoch + v.column3, owner = NULL, until = NULL
FROM (VALUES /*padded*/(?, ?, ?)) AS v
WHERE notify_queue.no = v.column1
