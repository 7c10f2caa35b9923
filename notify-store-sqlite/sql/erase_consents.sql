WITH gone (pseudonym, tenant, recipient) AS (VALUES (?, ?, ?))
UPDATE notify_consents
SET recipient = gone.pseudonym, source = '', wording = ''
FROM gone
WHERE notify_consents.tenant = gone.tenant AND notify_consents.recipient = gone.recipient
