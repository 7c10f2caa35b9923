WITH gone (pseudonym, tenant, recipient) AS (VALUES (?, ?, ?))
DELETE FROM notify_schedule_recipients WHERE (tenant, recipient) IN (SELECT tenant, recipient FROM gone)
