SELECT c.tenant, c.content, c.over, c.notification
FROM (VALUES /*padded*/(?, ?)) AS v
CROSS JOIN notify_content_log AS c ON c.tenant = v.column1 AND c.content = v.column2
