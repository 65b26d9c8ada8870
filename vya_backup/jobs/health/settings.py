"""Is what was configured usable, and is what is private private?"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from vya_backup.decisions.manifest import counted
from vya_backup.jobs.health.finding import Finding, failure, ok, some, warning
from vya_backup.jobs.health.subject import Subject
from vya_backup.settings.hooks_model import objections
from vya_backup.transport.disk import explained

OTHERS = 0o077
OTHERS_WRITE = 0o022


def configuration(subject: Subject) -> Finding:
    """Something is to be backed up."""
    if not subject.instances:
        return failure("no instance is to be backed up", "List one under `instances` in the configuration.")
    place = subject.loaded.path or "defaults and environment"
    return ok(f"{place}: {counted(len(subject.instances), 'instance')}")


def credentials(subject: Subject) -> Finding:
    """There is an account for every instance, and the key opens it."""
    found = subject.credentials.findings(subject.configuration)
    weak = subject.credentials.weak_key()
    for is_fatal, make in ((True, failure), (False, warning)):
        told = [one for one in found if one.fails is is_fatal and one not in weak]
        if told:
            return make(some([one.message for one in told]), told[0].hint)
    needing = [instance for instance in subject.instances if instance.type != "sqlite"]
    return ok(f"accounts of {counted(len(needing), 'instance')} open" if needing else "no account is needed")


def key(subject: Subject) -> Finding:
    """The key of the store is a secret."""
    weak = subject.credentials.weak_key()
    return warning(weak[0].message, weak[0].hint) if weak else ok("no key is derived from the host name")


def modes(subject: Subject) -> Finding:
    """Nobody else reads the catalog or a backup, or changes what this program is told."""
    wide = list(_too_wide(subject))
    if wide:
        path, mode, forbidden = wide[0]
        what = some([f"{one} has mode {mode:04o}" for one, mode, _ in wide])
        return failure(f"{what}, so others may reach it", f"Run: chmod {mode & ~forbidden:04o} {path}")
    return ok("catalog, backups and configuration are out of others' reach")


def hooks(subject: Subject) -> Finding:
    """Each hook's program is there, and nobody else may change it."""
    told = list(objections(subject.configuration.hooks))
    if told:
        return failure(some(told), "Correct it, then: doit config validate")
    known = len(subject.configuration.hooks)
    return ok(f"{counted(known, 'hook')} may be run" if known else "none is configured")


def _too_wide(subject: Subject) -> Iterator[tuple[Path, int, int]]:
    """Yield path, mode and the forbidden bits of what others may reach."""
    base, catalog = subject.configuration.storage.base_path, subject.configuration.catalog.path
    private = [catalog] if catalog else []
    with explained("look into", base):
        top = base.stat().st_mode if base.is_dir() else 0
        if top & OTHERS:  # others get in, so that what lies there must keep them out
            private += sorted(path for path in base.iterdir() if not path.is_symlink())
    guarded = [(path, OTHERS_WRITE) for path in (subject.loaded.path, base) if path]
    for path, forbidden in [*((path, OTHERS) for path in private), *guarded]:
        with explained("look at", path):
            mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0
        if mode & forbidden:
            yield path, mode, forbidden
