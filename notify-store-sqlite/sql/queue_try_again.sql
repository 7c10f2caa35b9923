UPDATE notify_queue SET state = 0 WHERE state = 3 AND crashes < ?
