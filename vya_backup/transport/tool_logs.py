"""Keeps the full words of the vendor tools for a month, in private files: events hold only what is free of row data."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from vya_backup import clock
from vya_backup.decisions.naming import path_component
from vya_backup.redaction import scrub
from vya_backup.transport.storage.log_files import expire_logs, write_log

FOLDER = "tool-logs"
KEPT = timedelta(days=30)


def tool_log(state_folder: Path, name: str, text: str) -> Path | None:
    """Write what a tool said, scrubbed of secrets, and remove what is older than 30 days.

    `name` is that of a backup or restore id; a second text for it is appended. Returns the file, None for no text.

    Raises:
        SpaceMissing, StorageFailed: it could not be written, or an old one not removed.
    """
    folder = state_folder / FOLDER
    expire_logs(folder, clock.now() - KEPT)
    if not text.strip():
        return None
    return write_log(folder, f"{path_component(name)}.log", scrub(text.rstrip("\n")) + "\n")
