INSERT INTO notify_messages (delivery, epoch, target, provider, message, address, answers)
VALUES (?, 0, (SELECT coalesce(max(target), -1) + 1 FROM notify_messages WHERE delivery = ? AND epoch = 0), ?, ?, x'', 0)
