WITH gone (pseudonym, tenant, recipient) AS (VALUES (?, ?, ?))
UPDATE notify_audit
SET subject = gone.pseudonym
FROM gone
WHERE notify_audit.tenant = gone.tenant AND notify_audit.subject = gone.recipient
