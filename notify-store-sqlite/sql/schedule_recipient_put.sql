INSERT INTO notify_schedule_recipients (tenant, recipient, schedule)
SELECT column1, column2, column3 FROM (VALUES /*padded*/(?, ?, ?)) WHERE column1 IS NOT NULL
