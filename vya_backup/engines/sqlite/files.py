"""Which SQLite files an instance has, what they are called, and where a restored one goes.

A database is named after its file without the suffix while that is unique in the instance, else after the file, else
after its path below the instance's folder. What cannot be looked at is an error, never an empty list.
"""

from __future__ import annotations

import fnmatch
import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vya_backup.errors import ServerUnreachable, StorageFailed

MAGIC = b"SQLite format 3\0"
COMPANIONS = ("-wal", "-shm", "-journal")
SUFFIXES = frozenset({".db", ".db3", ".sqlite", ".sqlite3"})
"""A file of such a name claims to be a database: when it is none, that is said and not passed over."""
HEADER_BYTES = 100


@dataclass(frozen=True)
class DatabaseFile:
    """One file of an instance."""

    name: str
    path: Path
    problem: str = ""


def root(pattern: str) -> Path:
    """Return the folder that an instance's path, folder or glob begins in.

    Raises:
        StorageFailed: a folder above it may not be searched.
    """
    if not glob.has_magic(pattern) or os.path.lexists(pattern):
        path = Path(pattern)
        return path if _is_folder(path) else path.parent
    parts = Path(pattern).parts
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:fixed])


def find(pattern: str) -> tuple[DatabaseFile, ...]:
    """Return the databases of an instance, sorted by path.

    Raises:
        StorageFailed: a folder could not be read or searched, or is not there.
    """
    sound: list[Path] = []
    unsound: dict[Path, str] = {}
    ours, top = _open_here(), root(pattern)
    for path in _candidates(pattern):
        problem = "" if _identity(path) in ours else _problem(path, asked_for=str(path) == pattern)
        if problem is None:
            continue
        if problem:
            unsound[path] = problem
        else:
            sound.append(path)
    names = _names(sound, top)
    names |= _names(unsound, top, taken=set(names.values()))  # a stranger's file never renames a good database
    return tuple(
        DatabaseFile(_printable(names[path]), path, _unprintable(path) or unsound.get(path, ""))
        for path in sorted(names)
    )


def locate(pattern: str, database: str) -> Path:
    """Return the file of a database: an absolute path means itself.

    Raises:
        ServerUnreachable: the instance has no such database.
    """
    if database.startswith("/"):
        return Path(database)
    for file in find(pattern):
        if file.name == database:
            return file.path
    raise ServerUnreachable(f"no SQLite file of the name {database!r} in {pattern}", "See: doit databases")


def target(pattern: str, database: str, source: str, recorded: str) -> Path:
    """Return where a restored database goes.

    `recorded` is the path the source had. A bare name that is no database of the instance means a file beside the
    original, with its suffix; a name with a slash is a path below the instance's folder.
    """
    if database.startswith("/"):
        return Path(database)
    with_name = [file.path for file in find_leniently(pattern) if file.name == database]
    if with_name:
        return with_name[0]
    original = _original(pattern, source, recorded)
    if database == source:
        return original
    if "/" in database:
        return root(pattern) / database
    known_suffix = Path(database).suffix.lower() in SUFFIXES
    return original.with_name(database if known_suffix else database + original.suffix)


def find_leniently(pattern: str) -> tuple[DatabaseFile, ...]:
    """Return what `find` does, and nothing where the instance's one file or folder is lost."""
    beginning = root(pattern) if glob.has_magic(pattern) else Path(pattern)
    return find(pattern) if os.path.lexists(beginning) else ()


def _original(pattern: str, source: str, recorded: str) -> Path:
    top = root(pattern)
    if recorded and Path(recorded).is_relative_to(top):
        return Path(recorded)
    if not glob.has_magic(pattern) and not _is_folder(Path(pattern)):
        return Path(pattern)
    return top / (Path(recorded).name if recorded else f"{source}.db")


def _candidates(pattern: str) -> Iterator[Path]:
    whole = Path(pattern)
    if root(pattern) == whole:
        yield from (path for path in _listed(whole) if not path.name.startswith(".") and _is_file(path))
    elif os.path.lexists(whole) or not glob.has_magic(pattern):
        yield whole
    else:
        parts = whole.parts
        fixed = len(root(pattern).parts)
        yield from dict.fromkeys(path for path in _matching(root(pattern), parts[fixed:]) if _is_file(path))


def _matching(folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    """Expand a glob as the shell does, except that a folder that cannot be read is an error."""
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _matching(folder, rest or ("*",))
        for path in _listed(folder):
            if _is_folder(path) and not path.is_symlink() and not path.name.startswith("."):
                yield from _matching(path, parts)
        return
    hidden = part.startswith(".")
    for path in _listed(folder):
        if fnmatch.fnmatchcase(path.name, part) and (hidden or not path.name.startswith(".")):
            if not rest:
                yield path
            elif _is_folder(path):
                yield from _matching(path, rest)


def _listed(folder: Path) -> list[Path]:
    with _told("read", folder):
        return sorted(folder.iterdir())


def _is_folder(path: Path) -> bool:
    with _told("searched", path.parent):
        return path.is_dir()


def _is_file(path: Path) -> bool:
    if path.name.endswith(COMPANIONS):
        return False
    try:
        return path.is_file()
    except OSError:  # such as a link into a closed folder: it is one database that cannot be dumped
        return True


@contextmanager
def _told(what: str, folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "Give the account that runs the backups read and search permission on it."
        raise StorageFailed(f"the folder {folder} cannot be {what}: {error.strerror}", hint) from error


def _open_here() -> set[tuple[int, int]]:
    """Return the files that this process has open, such as its own catalog.

    They are not looked into: closing any descriptor of a file drops every lock that the process holds on it
    (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    descriptors = Path("/proc/self/fd")
    return {_identity(path) for path in descriptors.iterdir()} - {(0, 0)} if descriptors.is_dir() else set()


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino


def _problem(path: Path, *, asked_for: bool) -> str | None:
    """Return why a file cannot be dumped, an empty text when nothing is wrong, None when it is no database at all."""
    try:
        with path.open("rb") as file:
            header = file.read(len(MAGIC))
    except OSError as error:
        return f"the file cannot be read: {error.strerror}"
    if header == MAGIC:
        return ""
    if asked_for or path.suffix.lower() in SUFFIXES:
        what = "is empty" if not header else "is not a SQLite database, or is encrypted"
        return f"{path.name} {what}; restore it, or exclude it with exclude_databases"
    return None


def _names(paths: Iterable[Path], top: Path, taken: Iterable[str] = ()) -> dict[Path, str]:
    paths = list(paths)
    stems, files = Counter(path.stem for path in paths), Counter(path.name for path in paths)
    used = set(taken)

    def name(path: Path) -> str:
        if stems[path.stem] == 1 and path.stem not in files.keys() - {path.name} and path.stem not in used:
            return path.stem
        if files[path.name] == 1 and path.name not in used:
            return path.name
        return str(path.relative_to(top))

    return {path: name(path) for path in paths}


def _printable(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _unprintable(path: Path) -> str:
    return "" if _printable(str(path)) == str(path) else "the file's name is not UTF-8; rename it"
