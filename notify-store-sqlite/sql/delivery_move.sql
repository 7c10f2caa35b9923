UPDATE notify_deliveries SET state = ?, reason = NULL, updated_at = ? WHERE no = ?
