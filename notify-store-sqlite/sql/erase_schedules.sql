WITH gone (pseudonym, tenant, recipient) AS (VALUES (?, ?, ?))
DELETE FROM notify_schedules WHERE (tenant, id) IN (
    SELECT r.tenant, r.schedule
    FROM gone CROSS JOIN notify_schedule_recipients AS r ON r.tenant = gone.tenant AND r.recipient = gone.recipient
    WHERE NOT EXISTS (
        SELECT 1 FROM notify_schedule_recipients AS o
        WHERE o.tenant = r.tenant AND o.schedule = r.schedule AND o.recipient <> r.recipient))
