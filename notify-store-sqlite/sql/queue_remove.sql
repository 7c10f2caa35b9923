DELETE FROM notify_queue WHERE no = ?
