"""VYA BackupDB: event-sourced backups of PostgreSQL, MySQL, MariaDB and SQLite.

The words
    instance   one database server (for SQLite one folder or file), with an id from the configuration
    database   one database on an instance; its key is INSTANCE/DATABASE
    dump       the act of reading a database out; also the bytes
    artifact   the stored files of one backup: the dump, its .sha256, its .metadata.json
    backup     an artifact and its history, identified by a backup_id (UUIDv7)
    event      one immutable fact in the catalog
    catalog    the SQLite file with all events: audit log, restore index and retention source at once
    run        one invocation that did something
    slot       the period of the schedule that a backup covers: the one in which its dump started
    due        no good backup covers the current slot
    good       complete and intact: trailer seen, objects counted, read back from disk and equal to what was streamed
    manifest   what the dump held: objects by kind, row counts, sequences
    prune      carry out the retention decision
    hold       a promise not to prune a backup until it is released

The reading order, which is also the order in which imports may run (a test enforces it)
    errors, clock, redaction, resources    what everything stands on
    settings/       what the operator said
    history/        what happened: events, chain, catalog, views
    decisions/      PURE: what is due, what is kept, what files are called, whether manifests agree
    engines/        describe commands and ask questions of an open connection; run nothing, open nothing
    transport/      the effects, each with one owner: connections, processes, pipeline, storage, locks
    jobs/           the shell: gather, decide, act, append
    outlook/        tables and exports for people and machines
    command_line/   the only modules that know doit
"""

__version__ = "2.0.0"
