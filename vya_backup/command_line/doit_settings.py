"""What doit is told about itself; in `dodo.py` and in `vya-backupdb` alike."""

from __future__ import annotations

DOIT_CONFIG = {
    "backend": "catalog",
    "dep_file": "catalog",  # doit wants a name; the session says which catalog is meant
    "check_file_uptodate": "timestamp",  # never doit's MD5 over a whole dump
    "default_tasks": ["backup"],
    "continue": True,
    "par_type": "thread",
    "verbosity": 1,
}
