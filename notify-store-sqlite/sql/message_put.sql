INSERT INTO notify_messages (delivery, epoch, target, provider, message, address, answers)
SELECT * FROM (VALUES /*padded*/(?, ?, ?, ?, ?, ?, ?)) WHERE column1 IS NOT NULL
