WITH gone (pseudonym, tenant, recipient) AS (VALUES (?, ?, ?))
DELETE FROM notify_recipients WHERE (tenant, id) IN (SELECT tenant, recipient FROM gone)
