SELECT l.no, l.priority, l.channel,
    (SELECT count(*) FROM notify_queue WHERE state = 0 AND lane = l.no AND due <= ?),
    (SELECT count(*) FROM notify_queue WHERE state = 0 AND lane = l.no AND due > ?),
    (SELECT min(due) FROM notify_queue WHERE state = 0 AND lane = l.no AND due <= ?),
    (SELECT count(*) FROM notify_queue WHERE state = 3 AND lane = l.no)
FROM notify_lanes AS l
