SELECT sequence, at, actor, action, subject
FROM notify_audit
WHERE tenant = ? AND sequence < ?
ORDER BY sequence DESC
LIMIT ?
