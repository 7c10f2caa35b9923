DELETE FROM notify_content_log
WHERE (tenant, content) IN (SELECT tenant, content FROM notify_content_log WHERE over <= ? ORDER BY over LIMIT ?)
