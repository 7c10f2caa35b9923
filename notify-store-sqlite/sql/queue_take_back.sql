UPDATE notify_queue
SET interrupted = interrupted OR state = 2, epoch = epoch + 1, state = iif(crashes + 1 >= ?, 3, 0), crashes = crashes + 1,
    owner = NULL, until = NULL
WHERE state IN (1, 2) AND no IN (VALUES /*padded*/(?))
