"""All checks, in the order in which one would look; one that breaks is a failure of that check and of no other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vya_backup.errors import BackupError, CatalogMissing, ConfigurationError
from vya_backup.jobs.health import backups, machine, notices, servers, settings
from vya_backup.jobs.health.finding import Check, Finding, Named, failure, warning
from vya_backup.jobs.health.subject import Subject

CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("configuration", settings.configuration),
    ("credentials", settings.credentials),
    ("key", settings.key),
    ("file modes", settings.modes),
    ("hooks", settings.hooks),
    ("connections", servers.connections),
    ("client tools", servers.tools),
    ("privileges", servers.privileges),
    ("free space", machine.space),
    ("backups", backups.overdue),
    ("verification", backups.verification),
    ("drills", backups.drills),
    ("chain", backups.chain),
    ("clock", machine.time),
    ("timer", machine.timer),
    ("missed", machine.missed),
    ("metrics", machine.metrics),
    ("notifications", notices.notifications),
)


def examine(subject: Subject, checks: Sequence[tuple[str, Check]] = CHECKS) -> list[Named]:
    """Return what each check found."""
    return [_named(name, _found(check, subject)) for name, check in checks]


def unconfigured(error: ConfigurationError) -> list[Named]:
    """Return the one finding of an installation whose configuration cannot be loaded."""
    return [_named(CHECKS[0][0], failure(error.message, error.hint or "Correct it: doit config validate"))]


def _found(check: Check, subject: Subject) -> Finding:
    try:
        return check(subject)
    except CatalogMissing:
        return warning("there is no catalog yet, so there is nothing to look at", "Run: doit backup")
    except BackupError as error:
        return failure(error.message, error.hint or "See the log, and docs/operations.md.")
    except Exception as error:  # noqa: BLE001 - whoever asks for health must get an answer from all the others
        return failure(f"the check itself broke: {type(error).__name__}: {error}", "Please report this bug.")


def _named(name: str, finding: Finding) -> Named:
    return Named(name, finding.status, finding.what, finding.remedy)
