INSERT OR FAIL INTO notify_cap_log (tenant, key, at, delivery, over)
SELECT * FROM (VALUES /*padded*/(?, ?, ?, ?, ?)) WHERE column1 IS NOT NULL
