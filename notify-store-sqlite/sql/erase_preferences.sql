WITH gone (pseudonym, tenant, recipient) AS (VALUES (?, ?, ?))
DELETE FROM notify_preferences WHERE (tenant, recipient) IN (SELECT tenant, recipient FROM gone)
