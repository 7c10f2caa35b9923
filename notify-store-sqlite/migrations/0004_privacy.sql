-- What the person read when they agreed, word by word.
ALTER TABLE notify_consents ADD COLUMN wording TEXT NOT NULL DEFAULT '';

-- An erasure lets audit rows about a person name the pseudonym.
CREATE INDEX notify_audit_subject ON notify_audit (tenant, subject);

-- Where suppressed addresses are kept for a time only.
CREATE INDEX notify_suppressions_at ON notify_suppressions (at);
