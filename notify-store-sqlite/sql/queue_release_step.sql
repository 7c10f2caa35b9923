UPDATE notify_queue SET state = 0, due = ?, epoch = epoch + 1, owner = NULL, until = NULL WHERE no = ?
