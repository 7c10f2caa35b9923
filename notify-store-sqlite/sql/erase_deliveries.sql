UPDATE notify_deliveries
SET recipient = ?, bucket = ?, pinned = NULL, frozen = NULL
WHERE no IN (VALUES /*padded*/(?))
