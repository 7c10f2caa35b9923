WITH gone (pseudonym, tenant, recipient) AS (VALUES (?, ?, ?))
DELETE FROM notify_inbox WHERE (tenant, recipient) IN (SELECT tenant, recipient FROM gone)
