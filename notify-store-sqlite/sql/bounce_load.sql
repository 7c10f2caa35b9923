SELECT tally FROM notify_bounces WHERE tenant = ? AND channel = ? AND address = ?
