UPDATE notify_jobs SET settled = ? WHERE no = ?
