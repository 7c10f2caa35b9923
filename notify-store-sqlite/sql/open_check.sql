SELECT sqlite_version(),
    (SELECT journal_mode FROM pragma_journal_mode),
    (SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous),
    (SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys),
    (SELECT CAST(trusted_schema AS TEXT) FROM pragma_trusted_schema)
