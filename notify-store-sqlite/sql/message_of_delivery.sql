SELECT v.column1, p.word, m.message, m.target, m.address, m.answers
FROM (VALUES /*padded*/(?, ?)) AS v
CROSS JOIN notify_messages AS m ON m.delivery = v.column2 AND m.epoch > 0
JOIN notify_words AS p ON p.no = m.provider
ORDER BY m.delivery, m.epoch, m.target
