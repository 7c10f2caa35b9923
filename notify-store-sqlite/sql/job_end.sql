DELETE FROM notify_jobs WHERE no = ?
