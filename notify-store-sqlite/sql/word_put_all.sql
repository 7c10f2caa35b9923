INSERT INTO notify_words (word) VALUES /*rows*/(?) ON CONFLICT (word) DO NOTHING
