"""PURE: the schedule as files of systemd: a service for each job, a timer for each timetable, one that tells failures.

Each file carries a digest of its own text, so that one which a person changed is known as such.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from vya_backup.decisions.hardening import HOME, Needs, of_service, of_user_service
from vya_backup.decisions.schedule import Timetable, after_blackouts, digest_timetable, skipped, timetables
from vya_backup.settings.keys import NO_KEY
from vya_backup.settings.scheduling_model import Scheduling

NAME = "vya-backupdb"
MARK = "# Written by `vya-backupdb schedule install`; digest "
SERVERS = "postgresql.service mysql.service mariadb.service"
YEARS_AHEAD = 10
ROOT = "root"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WORDS = {
    "backup": "VYA BackupDB, backups of what is due",
    "prune": "VYA BackupDB, retention",
    "verify": "VYA BackupDB, verification of stored backups",
    "drill": "VYA BackupDB, rehearsed restores",
    "digest": "VYA BackupDB, digest",
}


@dataclass(frozen=True)
class Installation:
    """Where the program and its files are; paths are absolute."""

    program: str
    config: Path
    account: str
    """Who the system's services run as; empty for the units of a person's own systemd."""
    interpreter: Path = Path("/usr/bin/python3")
    writable: tuple[Path, ...] = ()
    optional: tuple[Path, ...] = ()
    """Folders that are written where they exist, such as those of SQLite databases."""
    credential: tuple[str, Path] | None = None
    """The key of the credentials store: its name, and the file that systemd hands over; `.cred` is an encrypted one."""
    publishes: bool = False
    drills_call_out: bool = False
    """A drill needs the network: it uses a configured instance, or pushes what it measured."""
    reads_files: bool = False
    """Databases are files, which may belong to anybody."""
    today: date = date(2026, 1, 1)

    @property
    def is_of_user(self) -> bool:
        """Say whether these are units of a person's own systemd."""
        return not self.account

    @property
    def sees_home(self) -> bool:
        """Say whether something that a run needs lies in somebody's home."""
        paths = (Path(self.program), self.interpreter, self.config, *self.writable, *self.optional)
        return any(path.is_relative_to(home) for path in paths for home in HOME)


def unit_files(scheduling: Scheduling, place: Installation) -> dict[str, str]:
    """Return every unit file by name."""
    tables = timetables(scheduling)
    if digest := digest_timetable(scheduling):
        tables["digest"] = digest
    jobs = [job for job in _WORDS if job in tables or job == "prune"]
    found = {f"{NAME}-{job}.service": _service(job, scheduling, place) for job in jobs}
    found |= {f"{NAME}-{job}.timer": _timer(job, table, scheduling, place) for job, table in tables.items()}
    found[f"{NAME}-failed@.service"] = _failed(place)
    return {name: marked(text) for name, text in sorted(found.items())}


def timers(files: dict[str, str]) -> list[str]:
    """Return the names of those that are to be enabled."""
    return [name for name in files if name.endswith(".timer")]


def marked(text: str) -> str:
    """Return a file with the line that tells whether anybody changed it since."""
    return f"{MARK}{_digest(text)}\n{text}"


def is_untouched(text: str) -> bool:
    """Say whether a file is as it was written, by this or by another version."""
    head, _, rest = text.partition("\n")
    return head == f"{MARK}{_digest(rest)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def quoted(word: str, *, in_command: bool = False) -> str:
    """Return one word as systemd reads it back (systemd.syntax(7)): `%` and in commands `$` mean something there."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if in_command:
        escaped = escaped.replace("$", "$$")
    return f'"{escaped}"' if any(c in word for c in " \t\"'\\;") else escaped


def calendar_lines(table: Timetable, today: date) -> Iterator[str]:
    """Yield what follows `OnCalendar=`; one line for all hours that share their minute and their weekdays."""
    groups: dict[tuple[frozenset[int], int], list[int]] = {}
    for time in table.times:
        days = frozenset(d for d in table.weekdays if not any(w.covers(d, time) for w in table.blackout))
        if days:
            groups.setdefault((days, time % 60), []).append(time // 60)
    for (days, minute), hours in groups.items():
        yield _elapses(days, hours, minute, table)
    for at in skipped(table, today, YEARS_AHEAD * 365):
        yield f"{at.astimezone(table.zone):%Y-%m-%d %H:%M}:00 {table.zone.key}"


def makeup_lines(table: Timetable, interval_minutes: int) -> Iterator[str]:
    """Yield what follows `OnCalendar=` where a blackout ends, and what it refused is started."""
    for minute, days in sorted(after_blackouts(table, interval_minutes).items()):
        yield _elapses(days, [minute // 60], minute % 60, table)


def _elapses(days: frozenset[int], hours: list[int], minute: int, table: Timetable) -> str:
    named = "" if len(days) == len(_DAYS) else ",".join(_DAYS[day] for day in sorted(days)) + " "
    return f"{named}*-*-* {','.join(f'{hour:02d}' for hour in hours)}:{minute:02d}:00 {table.zone.key}"


def command_of(job: str, place: Installation) -> str:
    """Return the command line of a job, as it stands behind `ExecStart=`."""
    words = ("notify", "digest") if job == "digest" else ("schedule", "run", job)
    return " ".join((quoted(place.program, in_command=True), *words))


def _service(job: str, scheduling: Scheduling, place: Installation) -> str:
    lines = [
        "[Unit]",
        f"Description={_WORDS[job]}",
    ]
    if not place.is_of_user:
        lines += ["Wants=network-online.target", f"After=network-online.target time-sync.target {SERVERS}"]
    lines += [f"OnFailure={NAME}-failed@%n.service", "", "[Service]", "Type=oneshot"]
    lines += _who(place)
    lines.append(f"ExecStart={command_of(job, place)}")
    if place.publishes:
        lines += [
            "# also where the run was killed in the midst of publishing",
            f"ExecStopPost=-{quoted(place.program, in_command=True)} catalog publish",
        ]
    lines += [
        "# the run itself ends its tools on SIGTERM, and has its own limit: backup.run_timeout_minutes",
        "TimeoutStartSec=infinity",
        "TimeoutStopSec=120",
        "KillMode=mixed",
        "Nice=10",
        "IOSchedulingClass=best-effort",
        "IOSchedulingPriority=7",
        "CPUWeight=50",
        *([f"CPUQuota={scheduling.limits.cpu_percent}%"] if scheduling.limits.cpu_percent else []),
        f"MemoryMax={scheduling.limits.memory_mb}M",
        *_walls(place, _needs(job, place)),
    ]
    return "\n".join(lines) + "\n"


def _failed(place: Installation) -> str:
    lines = [
        "[Unit]",
        "Description=VYA BackupDB, tells that %i failed, also when it was killed",
        "",
        "[Service]",
        "Type=oneshot",
        *_who(place, needs_key=False),
        f"ExecStart={quoted(place.program, in_command=True)} notify failed --unit %i",
        "TimeoutStartSec=10min",
        "MemoryMax=512M",
        "# a folder that is gone must not silence who tells that it is: each is there or not",
        *_walls(replace(place, writable=(), optional=(*place.writable, *place.optional)), Needs()),
    ]
    return "\n".join(lines) + "\n"


def _who(place: Installation, *, needs_key: bool = True) -> list[str]:
    lines = [f"User={place.account}"] if place.account else []
    lines.append(f"Environment={quoted(f'VYA_CONFIG={place.config}')}")
    if place.credential:
        name, path = place.credential
        lines.append("# the key of the credentials; encrypted by systemd-creds it is LoadCredentialEncrypted=NAME:FILE")
        kind = "LoadCredentialEncrypted" if path.suffix == ".cred" else "LoadCredential"
        # systemd takes all of this line for the name, quotes and blanks too; only specifiers mean something there
        lines.append(f"{kind}={f'{name}:{path}'.replace('%', '%%')}")
        if not needs_key:
            lines.append("# a key that is gone must not silence who tells that it is")
            lines.append(f"SetCredential={name}:{NO_KEY}".replace("%", "%%"))
    return lines


def _walls(place: Installation, needs: Needs) -> list[str]:
    if place.is_of_user:
        return of_user_service()
    paths = [quoted(str(path)) for path in place.writable] + [quoted(f"-{path}") for path in place.optional]
    return [*of_service(needs, sees_home=place.sees_home), *(f"ReadWritePaths={path}" for path in paths)]


def _needs(job: str, place: Installation) -> Needs:
    is_drill = job == "drill"
    return Needs(
        is_drill,
        network=place.drills_call_out or not is_drill,
        changes_group=place.publishes,
        reads_all=job == "backup" and place.account == ROOT and place.reads_files,
        is_mapped_root=is_drill and place.account == ROOT,
    )


def _timer(job: str, table: Timetable, scheduling: Scheduling, place: Installation) -> str:
    lines = ["[Unit]", f"Description={_WORDS[job]}: {table}".replace("%", "%%"), "", "[Timer]"]
    if table.every:
        lines += ["OnBootSec=5min", f"OnUnitActiveSec={int(table.every.total_seconds()) // 60}min"]
    else:
        lines += [f"OnCalendar={line}" for line in calendar_lines(table, place.today)]
    made_up = [f"OnCalendar={line}" for line in makeup_lines(table, scheduling.interval_minutes)]
    if job == "backup" and made_up:
        lines += ["# what a blackout refused comes at its end; where nothing is due, nothing is done", *made_up]
    if not table.every:
        lines += ["# what a machine that was off left out comes when it is on again", "Persistent=true"]
    delay = scheduling.randomized_delay_minutes
    lines += [*([f"RandomizedDelaySec={delay}min"] if delay else []), "AccuracySec=1min"]
    lines += ["", "[Install]", "WantedBy=timers.target"]
    return "\n".join(lines) + "\n"
