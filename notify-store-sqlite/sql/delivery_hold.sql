UPDATE notify_deliveries SET state = ?, reason = ?, updated_at = ? WHERE no IN (VALUES /*padded*/(?))
