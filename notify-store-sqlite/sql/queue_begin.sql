UPDATE OR FAIL notify_queue
SET state = 2, sends = sends + 1, provider = v.column3, frozen = v.column4
FROM (VALUES /*padded*/(?, ?, ?, ?)) AS v
WHERE notify_queue.no = v.column1 AND epoch = v.column2 AND state = 1;
SELECT abs(-9223372036854775808) WHERE changes() <> ?
