"""Whose installation it is: what root writes beside another account's catalog, that account cannot read any more."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from vya_backup.command_line.options import Selection
from vya_backup.command_line.session import Session
from vya_backup.errors import UsageError

MAY_NEED_ROOT = frozenset({"restore", "recover"})
"""They may write into folders that belong to neither."""


def demand_own(session: Session, selections: Sequence[Selection]) -> None:
    """Refuse a run of root's that would stop the nightly ones of another account; warn where it may have to be root.

    Raises:
        UsageError: the catalog is another account's.
    """
    name = owner_beside_root(session.workspace.configuration.catalog.path)
    writing = [s for s in selections if not (s.options.get("dry_run") or s.options.get("list_databases"))]
    if not (name and writing):
        return
    what = f"the catalog belongs to {name}, who could not read what root writes beside it"
    if all(s.group in MAY_NEED_ROOT for s in writing):
        folders = f"{session.workspace.store.base_path} and the catalog's folder"
        session.screen.line(f"warning: {what}: afterwards give it to {name} (chown -R), in {folders}")
        return
    raise UsageError(what, f"Say it as that account: sudo -u {name} vya-backupdb …")


def owner_beside_root(catalog: Path | None) -> str:
    """Return who owns the catalog, where this is root and it is somebody else; empty otherwise."""
    if os.geteuid() != 0 or catalog is None:
        return ""
    with suppress(OSError):
        owner = catalog.stat().st_uid
        with suppress(KeyError):
            return pwd.getpwuid(owner).pw_name if owner else ""
        return f"'#{owner}'"  # as sudo takes a number
    return ""
