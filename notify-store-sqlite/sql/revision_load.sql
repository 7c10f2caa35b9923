SELECT revision
FROM notify_revisions
WHERE room = ? AND tenant = ?
