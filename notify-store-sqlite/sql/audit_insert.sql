INSERT INTO notify_audit (at, tenant, actor, action, subject) VALUES /*rows*/(?, ?, ?, ?, ?)
