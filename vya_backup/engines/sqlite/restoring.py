"""Describes a restore: staged beside its target and compared there, then given its name or copied into the open file.

The rule: until the point of no return each step has its undo, so that a failure leaves the old database as it was.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from vya_backup.engines.answers import Finding
from vya_backup.engines.contract import Mending, RestoreRequest, Unfinished
from vya_backup.engines.sqlite import files
from vya_backup.engines.sqlite.program_command import program
from vya_backup.engines.steps import Compare, Load, PointOfNoReturn, Run, Steps

WAIT_SECONDS = "60"
STAGED, RETIRED, ASIDE = ".restoring", ".retired", ".set-aside"
_READABLE = 40  # characters of the target's name that a hidden file keeps, so that people see what it belongs to


@dataclass(frozen=True)
class Places:
    """The files of one restore, all in the target's folder; all but the target are hidden."""

    target: Path
    staged: Path
    retired: Path
    aside: Path


def places(request: RestoreRequest) -> Places:
    """Return where everything of this restore lies; the same request always gives the same names."""
    recorded = str(request.properties.get("path", ""))
    target = files.target(request.access.instance.path, request.database, request.source_database, recorded)
    target = Path(os.path.abspath(target))  # noqa: PTH100  # resolve() would follow a link that the name should keep
    return places_of(target, request.staging)


def places_of(target: Path, staging: str) -> Places:
    """Return the files of the restore to a target that was given the staging name."""
    digest = hashlib.sha256(f"{target}\0{staging}".encode("utf-8", "surrogateescape")).hexdigest()[:12]
    hidden = target.with_name(f".{target.name[:_READABLE]}.{digest}")
    return Places(target, *(hidden.with_name(hidden.name + suffix) for suffix in (STAGED, RETIRED, ASIDE)))


def target_exists(request: RestoreRequest) -> bool:
    """Say whether something lies where the restored file goes; only a path can tell, not the instance's list."""
    return os.path.lexists(places(request).target)


def is_staged(path: Path) -> bool:
    """Say whether a file is one of our own, which no application has open."""
    return path.name.startswith(".") and path.name.endswith((STAGED, RETIRED))


def findings(request: RestoreRequest) -> tuple[Finding, ...]:
    """Say what stands against restoring there."""
    where = places(request)
    folder = where.target.parent
    found = [Finding(False, f"the file is {where.target}")]
    if not folder.is_dir():
        found.append(Finding(True, f"the folder {folder} does not exist", f"Make it: mkdir -p {folder}"))
    elif not os.access(folder, os.W_OK, effective_ids=True):
        found.append(Finding(True, f"the folder {folder} may not be written to", "Run as the account that owns it."))
    if os.path.lexists(where.target):
        found += _about_existing(request, where)
    elif leftovers := [suffix for suffix in files.COMPANIONS if Path(f"{where.target}{suffix}").exists()]:
        names = ", ".join(where.target.name + suffix for suffix in leftovers)
        found.append(Finding(False, f"{names} of the lost database will be set aside as {where.aside.name}-…"))
    return tuple(found)


def _about_existing(request: RestoreRequest, where: Places) -> list[Finding]:
    if not where.target.is_file():
        return [Finding(True, f"{where.target} is not a file", "Name another target with --to.")]
    if not request.exists and where.target.stat().st_size:
        return [
            Finding(True, f"{where.target} exists and is not empty", "Restore with --force to replace its content.")
        ]
    if not os.access(where.target, os.W_OK, effective_ids=True):
        return [Finding(True, f"{where.target} may not be written to", "Run as the account that owns it.")]
    return [Finding(False, "applications keep the file open: its content is replaced under SQLite's own locks")]


def steps(request: RestoreRequest) -> Steps:
    """Describe the restore, step by step."""
    where = places(request)
    staged = str(where.staged)
    yield Load(
        "write the backup beside the target and check it",
        program("receive", staged),
        undo=(Run("remove the staged file", program("discard", staged)),),
    )
    yield Compare("compare the staged file with the manifest", staged)
    if os.path.lexists(where.target):
        yield from _into_the_open_file(where)
    else:
        yield from _under_a_free_name(where, request)


def mend(left: Unfinished) -> Mending:
    """Describe the mending of a dead restore: SQLite's own journal makes the target whole, be it the old or the new.

    The copy of the old database goes only once the target was opened and found sound.
    """
    if not left.place:
        return f"look for hidden files that end in {STAGED} or {RETIRED} beside {left.database}"
    where = places_of(Path(left.place), left.staging)
    target, staged, retired, fresh = (str(p) for p in (where.target, where.staged, where.retired, fresh_copy(where)))
    if where.retired.exists():
        yield Run(f"see that {target} is whole", program("prove", target, retired, WAIT_SECONDS))
    if any(path.exists() for path in (where.staged, where.retired, fresh_copy(where))):
        yield Run("remove the staged file and the old copy", program("discard", staged, retired, fresh))
    return ""


def fresh_copy(where: Places) -> Path:
    """Return the file that takes an unreadable target's place by a rename."""
    return where.aside.with_name(f"{where.aside.name}.new")


def _under_a_free_name(where: Places, request: RestoreRequest) -> Steps:
    mode, owner = (str(request.properties.get(key, "")) for key in ("mode", "owner"))
    staged, target, aside = str(where.staged), str(where.target), str(where.aside)
    yield Run("give the file its name", program("publish", staged, target, aside, mode, owner))
    yield PointOfNoReturn(f"{where.target.name} stands")


def _into_the_open_file(where: Places) -> Steps:
    staged, target, retired, aside = (str(p) for p in (where.staged, where.target, where.retired, where.aside))
    back = f"copy the old content back, by hand: sqlite3 {quote(target)} {quote(f'.restore {quote(retired)}')}"
    yield Run(
        f"keep a copy of the old database as {where.retired.name}",
        program("save", target, retired, WAIT_SECONDS),
        undo=(Run("remove the copy of the old database", program("discard", retired)),),
    )
    yield Run(
        "copy the restored content into the file",
        program("replace", staged, target, aside, WAIT_SECONDS),
        undo=(Run(back, program("replace", retired, target, aside, WAIT_SECONDS)),),
    )
    yield PointOfNoReturn(f"{where.target.name} holds the restored content")
    yield Run("remove the staged file and the old copy", program("discard", staged, retired), may_fail=True)
