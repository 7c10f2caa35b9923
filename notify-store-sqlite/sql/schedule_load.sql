SELECT s.id, s.scheduled, s.paused, s.version, s.created_at, s.updated_at, s.failure, (
    SELECT q.due FROM notify_jobs AS j CROSS JOIN notify_queue AS q ON q.no = j.no WHERE j.kind = 4 AND j.subject = s.tick)
FROM notify_schedules AS s
WHERE s.tenant = ? AND s.id = ?
