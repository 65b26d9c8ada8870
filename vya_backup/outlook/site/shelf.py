"""PURE: what of the catalog auditors may open as tables, how each is introduced, and in which order it stands.

The rule: what is not named here is refused, so that a table of a later version is closed until somebody opens it.
"""

from __future__ import annotations

from typing import Any, Final

_TITLES: Final = {
    "databases": ("Databases", "Every known database with its newest good backup."),
    "backups": ("Backups", "Every backup that was ever begun, in the state it is in now."),
    "restorable": ("Restorable", "What could be restored now, and when a drill proved it."),
    "drills": ("Drills", "When each database was last restored for rehearsal, and how that ended."),
    "restores": ("Restores", "Who restored what to where, and how it ended."),
    "recoveries": ("Recoveries", "Every recovery of a whole instance."),
    "failures": ("Failures", "What failed, with the message and the remedy."),
    "runs": ("Runs", "Every invocation that did something."),
    "audit_log": ("Audit log", "Every event as a sentence, newest first."),
    "events": (
        "Events",
        "The facts themselves, append-only and chained by SHA-256. Everything else is read from them.",
    ),
}
_NEWEST_FIRST: Final = {
    "backups": "sequence",
    "restorable": "sequence",
    "restores": "sequence",
    "recoveries": "sequence",
    "failures": "id",
    "runs": "sequence",
    "audit_log": "id",
    "events": "id",
}

VIEWABLE: Final = tuple(_TITLES)
"""The tables and views that are open, in the order in which they are listed."""


def _entry(name: str) -> dict[str, Any]:
    title, description = _TITLES[name]
    order = {"sort_desc": _NEWEST_FIRST[name]} if name in _NEWEST_FIRST else {"sort": "instance"}
    return {"title": title, "description": description, **order}


TABLES: Final = {name: _entry(name) for name in VIEWABLE}
"""The part of Datasette's metadata about tables."""


def shelves() -> list[dict[str, str]]:
    """Return name, title and description of what is open, in order."""
    return [{"name": name, "title": title, "words": text} for name, (title, text) in _TITLES.items()]
