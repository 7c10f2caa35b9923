UPDATE notify_deliveries SET seen_at = min(coalesce(seen_at, ?), ?) WHERE no = ?
