SELECT * FROM (
    SELECT s.id, s.scheduled, s.paused, s.version, s.created_at, s.updated_at, s.failure, (
        SELECT q.due FROM notify_jobs AS j CROSS JOIN notify_queue AS q ON q.no = j.no WHERE j.kind = 4 AND j.subject = s.tick) AS next
    FROM notify_schedule_recipients AS r
    CROSS JOIN notify_schedules AS s ON s.tenant = r.tenant AND s.id = r.schedule
    WHERE r.tenant = ?1 AND r.recipient = ?5 AND r.schedule > ?2
    ORDER BY r.schedule
)
WHERE ?3 IS NULL OR next < ?3
LIMIT ?4
