WITH gone (pseudonym, tenant, recipient) AS (VALUES (?, ?, ?))
UPDATE notify_digests SET recipient = (SELECT pseudonym FROM gone), open = 0
WHERE (tenant, recipient) IN (SELECT t.no, gone.recipient FROM gone JOIN notify_tenants AS t ON t.tenant = gone.tenant)
