SELECT run, bucket FROM notify_history WHERE run >= 0 ORDER BY run, bucket LIMIT 1
