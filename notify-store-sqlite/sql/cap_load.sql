SELECT c.tenant, c.key, c.at, c.delivery
FROM (VALUES /*padded*/(?, ?, ?)) AS v
CROSS JOIN notify_cap_log AS c ON c.tenant = v.column1 AND c.key = v.column2 AND c.at > v.column3
