UPDATE notify_queue
SET interrupted = interrupted OR state = 2, epoch = epoch + 1,
    crashes = notify_queue.crashes + counted.crash, state = iif(notify_queue.crashes + counted.crash >= ?, 3, 0),
    owner = NULL, until = NULL
FROM (
    SELECT q.no AS no, q.state = 2 OR d.no IS NULL AS crash
    FROM notify_queue AS q LEFT JOIN notify_deliveries AS d ON d.no = q.no
    WHERE q.state IN (1, 2) AND q.no IN (VALUES /*padded*/(?))
) AS counted
WHERE notify_queue.no = counted.no
