UPDATE notify_queue SET until = ?
WHERE state IN (1, 2) AND (no, epoch) IN (VALUES /*padded*/(?, ?))
RETURNING no
