UPDATE notify_queue SET state = 0, due = ?, owner = NULL, until = NULL WHERE no = ?
