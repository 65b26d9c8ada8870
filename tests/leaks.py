"""Searches what the program wrote in a test for every password that the test gave it; a hit fails that test.

Every store of credentials is made by `credentials encrypt --input FILE`, and every command goes through `Project.run`:
so that one place learns of all passwords and all folders, and no test has to remember. Not searched, and why:

- what the program did not write: configurations, plain inputs, the servers' own folders, the data folder of SQLite;
- dumps: they hold what the database holds, hashes of accounts included;
- files above 32 MB: none of ours is that long.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_plus

SHORTEST = 8  # characters; a shorter password turns up in plain words
LONGEST_FILE = 32 * 1024 * 1024
NOT_OURS = frozenset({"data", "config"})
DUMPS = re.compile(r"\.(sql|db)(\.gz|\.zst)?$")
CATALOGS = re.compile(r"catalog|published|merged|readers")

_passwords: set[str] = set()
_folders: set[Path] = set()
_inputs: set[Path] = set()


def learn(folder: Path, words: Sequence[str]) -> None:
    """Note the folder of a command, and the passwords of the plain file that it is about to encrypt."""
    _folders.add(folder)
    if "--input" in words:
        plain = folder / words[words.index("--input") + 1]
        _inputs.add(plain)
        _passwords.update(_passwords_in(plain))


def _passwords_in(plain: Path) -> Iterator[str]:
    try:
        lists = json.loads(plain.read_text())
        entries = [*lists["databases"], *lists.get("services", ())]
        found = [entry.get("password") for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # a test of what the command says to such a file
    yield from (word for word in found if isinstance(word, str) and len(word) >= SHORTEST)


def forget() -> None:
    """Begin the next test."""
    _passwords.clear()
    _folders.clear()
    _inputs.clear()


def said(*texts: str) -> list[str]:
    """Return what is wrong with the words of a command: nothing, or that they hold a password."""
    return [f"its output, near {text[:60]!r}" for text in texts if text and holds(text.encode(), tuple(_passwords))]


def left() -> list[str]:
    """Return the files below the folders of this test that hold one of its passwords."""
    if not _passwords:
        return []
    passwords = tuple(sorted(_passwords))
    found = (path for folder in _folders for path in ours(folder) if path not in _inputs)
    return [str(path) for path in found if any(map_holds(path, passwords))]


def ours(folder: Path) -> Iterator[Path]:
    """Yield the files that the program may have written: logs, catalogs, copies, sidecars, metrics, evidence, units."""
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder).parts
        if below[0] in NOT_OURS or not path.is_file() or path.is_symlink() or path.stat().st_size > LONGEST_FILE:
            continue
        if DUMPS.search(path.name) and not CATALOGS.search(str(path.relative_to(folder))):
            continue
        yield path


def map_holds(path: Path, passwords: tuple[str, ...]) -> Iterator[bool]:
    """Say for each part of a file whether it holds a password: members of a zip, what gzip packed, else the file."""
    content = path.read_bytes()
    yield holds(content, passwords)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield holds(archive.read(name), passwords)
    elif content[:2] == b"\x1f\x8b":
        try:
            yield holds(gzip.decompress(content), passwords)
        except (OSError, EOFError, zlib.error):
            return  # damaged on purpose


def holds(content: bytes, passwords: tuple[str, ...]) -> bool:
    """Say whether the bytes hold one of the passwords in any of its forms."""
    return any(form in content for form in _all_forms(passwords))


@cache
def _all_forms(passwords: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple({form for password in passwords for form in forms(password)})


def forms(password: str) -> list[bytes]:
    """Return a password as it may stand in URLs, JSON, option files, password files, SQL, base64 and hexadecimal."""
    escaped = password.replace("\\", "\\\\")
    spellings = {
        password,
        quote(password),
        quote(password, safe=""),
        quote_plus(password),
        json.dumps(password)[1:-1],
        json.dumps(password, ensure_ascii=False)[1:-1],
        repr(password)[1:-1],
        escaped,
        escaped.replace('"', '\\"'),
        escaped.replace(":", "\\:"),
        password.replace("'", "''"),
        password.encode().hex(),
        password.encode().hex().upper(),
    }
    return [*(spelling.encode() for spelling in spellings), *_in_base64(password.encode())]


def _in_base64(password: bytes) -> Iterator[bytes]:
    """Yield what any base64 of a text with the password in it holds: its place decides between three spellings."""
    for before in range(3):
        packed = base64.b64encode(b"\0" * before + password)
        first = (0, 2, 3)[before]
        last = len(packed) - (0, 3, 2)[(before + len(password)) % 3]
        yield packed[first:last]
        yield packed[first:last].translate(bytes.maketrans(b"+/", b"-_"))
