UPDATE notify_delivery_events
SET message_id = NULL, fault = NULL, provider = iif(report IS NULL, provider, NULL), report = NULL
WHERE delivery IN (VALUES /*padded*/(?))
