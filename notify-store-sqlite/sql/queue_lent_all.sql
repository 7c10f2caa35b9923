SELECT no FROM notify_queue WHERE state IN (1, 2)
