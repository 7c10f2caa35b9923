SELECT no, word FROM notify_words
