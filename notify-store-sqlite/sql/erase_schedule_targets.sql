WITH gone (pseudonym, tenant, recipient) AS (VALUES (?, ?, ?))
UPDATE notify_schedules SET version = version + 1, scheduled = json_set(scheduled, '$.target.recipients', (
    SELECT json_group_array(value) FROM json_each(scheduled, '$.target.recipients') WHERE value <> (SELECT recipient FROM gone)))
WHERE (tenant, id) IN (
    SELECT r.tenant, r.schedule
    FROM gone CROSS JOIN notify_schedule_recipients AS r ON r.tenant = gone.tenant AND r.recipient = gone.recipient)
