"""PURE: keys, task names, and where artifacts lie.

Names of databases come from servers and may hold anything; they are percent-encoded wherever a path or a task name
could be misread, and never otherwise changed.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

USERS = "@users"
BACKUP_TYPE = "full"
LONGEST_COMPONENT = 100  # bytes; leaves room for times and suffixes below the 255 of common file systems
CONTENT_SUFFIXES = (".sql.gz", ".sql.zst", ".sql", ".db.gz", ".db.zst", ".db", ".gz", ".zst", ".dump")
_TASK_SPECIAL = frozenset("%=*?[")
_PATH_SPECIAL = frozenset('%/\\:*?"<>|')


@dataclass(frozen=True, order=True)
class Key:
    """One database: `INSTANCE/DATABASE`."""

    instance: str
    database: str

    def __str__(self) -> str:
        return f"{self.instance}/{show(self.database)}"

    @property
    def task(self) -> str:
        """Return the name that doit tasks of this database carry after the colon."""
        return f"{self.instance}/{task_name(self.database)}"

    @property
    def is_users(self) -> bool:
        """Say whether this is the pseudo-database of the instance's accounts."""
        return self.database == USERS


def show(database: str) -> str:
    """Return a database's name on one line: control characters are percent-encoded."""
    return "".join(_percent(c) if _is_control(c) else c for c in database)


def task_name(database: str) -> str:
    """Return a database's name as doit can take it; `database_of_task` is the inverse.

    doit refuses `=` for every command at once and takes `*`, `?` and `[` for patterns.
    """
    encoded = "".join(_percent(c) if c in _TASK_SPECIAL or _is_control(c) else c for c in database)
    return encoded if database == USERS or not encoded.startswith("@") else "%40" + encoded[1:]


def database_of_task(name: str) -> str:
    """Return the database's name behind a task name.

    Raises:
        UnicodeDecodeError: the percent-encoding is no UTF-8.
    """
    return unquote(name, errors="strict")


def path_component(name: str, neighbours: Iterable[str] = ()) -> str:
    """Return the name as one component of a path.

    Separators, control characters and a leading dash, dot or at-sign are percent-encoded, over-long names cut and
    given a digest. A name that a case-insensitive file system would not tell from one of its neighbours gets a digest
    too, unless it is the all-lower-case one.
    """
    if name == USERS:
        return name
    encoded = "".join(_percent(c) if c in _PATH_SPECIAL or _is_control(c) else c for c in name)
    if encoded[:1] in {".", "-", "@", "~", " "}:
        encoded = _percent(encoded[0]) + encoded[1:]
    if encoded[-1:] in {".", " "}:
        encoded = encoded[:-1] + _percent(encoded[-1])
    if len(encoded.encode()) > LONGEST_COMPONENT:
        encoded = encoded.encode()[: LONGEST_COMPONENT - 9].decode(errors="ignore") + _digest(name)
    elif _folds_together(name, neighbours):
        encoded += _digest(name)
    return encoded


@dataclass(frozen=True)
class Naming:
    """The configured templates, and what does not change during a run."""

    structure: str
    pattern: str
    datetime_format: str
    hostname: str


@dataclass(frozen=True)
class ArtifactName:
    """The files of one backup, relative to `base_path`."""

    dump: str

    @property
    def file(self) -> str:
        """Return the dump's file name."""
        return self.dump.rpartition("/")[2]

    def checksum_line(self, sha256: str) -> str:
        """Return the content of the checksum file; a backslash or newline in the name is escaped as sha256sum does."""
        escaped = self.file.replace("\\", "\\\\").replace("\n", "\\n")
        mark = "\\" if escaped != self.file else ""
        return f"{mark}{sha256}  {escaped}\n"

    @property
    def checksum(self) -> str:
        """Return the path of what `sha256sum -c` reads."""
        return f"{self.dump}.sha256"

    @property
    def metadata(self) -> str:
        """Return the path of the metadata sidecar."""
        return f"{_without_suffix(self.dump)}.metadata.json"


def artifact_name(
    key: Key, engine: str, at: datetime, naming: Naming, *, suffix: str, neighbours: Iterable[str] = ()
) -> ArtifactName:
    """Return where a backup of `key` goes; `at` is in the configured zone, `suffix` follows the content (`sql.gz`)."""
    values = {
        "hostname": path_component(naming.hostname),
        "db_id": path_component(key.instance),
        "db_name": path_component(key.database, neighbours),
        "date": at.strftime("%Y-%m-%d"),
        "datetime": at.strftime(naming.datetime_format),
        "type": BACKUP_TYPE,
        "engine": engine,
    }
    folder = naming.structure.strip("/").format_map(values)
    file = _without_suffix(naming.pattern).format_map(values)
    return ArtifactName(f"{folder}/{file}.{suffix}" if folder else f"{file}.{suffix}")


def free_name(wanted: ArtifactName, is_taken: Callable[[str], bool]) -> ArtifactName:
    """Return `wanted`, or the first of `-2`, `-3` … whose files are all free: nothing is ever overwritten."""
    stem = _without_suffix(wanted.dump)
    suffix = wanted.dump.removeprefix(stem)
    name, number = wanted, 1
    while any(is_taken(path) for path in (name.dump, name.checksum, name.metadata)):
        number += 1
        name = ArtifactName(f"{stem}-{number}{suffix}")
    return name


def _without_suffix(name: str) -> str:
    return next((name.removesuffix(s) for s in CONTENT_SUFFIXES if name.endswith(s)), name)


def _folds_together(name: str, neighbours: Iterable[str]) -> bool:
    def folded(text: str) -> str:
        return unicodedata.normalize("NFC", text).casefold()

    others = (other for other in neighbours if other != name)
    return name != folded(name) and any(folded(other) == folded(name) for other in others)


def _digest(name: str) -> str:
    return "~" + hashlib.sha256(name.encode()).hexdigest()[:8]


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogatepass"))
