SELECT c.no, c.at, c.granted AND NOT EXISTS (
    SELECT 1 FROM notify_consents AS later
    WHERE later.tenant = c.tenant AND later.recipient = c.recipient AND later.category = c.category AND later.no > c.no)
FROM (SELECT * FROM notify_consents WHERE no > ? ORDER BY no LIMIT ?) AS c
ORDER BY c.no
