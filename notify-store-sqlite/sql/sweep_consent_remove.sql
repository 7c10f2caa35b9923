DELETE FROM notify_consents WHERE no IN (VALUES /*padded*/(?))
