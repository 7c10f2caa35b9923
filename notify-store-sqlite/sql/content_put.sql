INSERT OR REPLACE INTO notify_content_log (tenant, content, over, notification)
SELECT * FROM (VALUES /*padded*/(?, ?, ?, ?)) WHERE column1 IS NOT NULL
