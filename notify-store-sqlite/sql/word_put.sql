INSERT INTO notify_words (word) VALUES (?)
ON CONFLICT (word) DO UPDATE SET word = excluded.word
RETURNING no
