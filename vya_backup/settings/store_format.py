"""The credentials store as a JSON document: read, checked, and written; nothing is decrypted here.

The rule: no value of a document ever appears in a message, because it may be a password in the clear.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from vya_backup.errors import CredentialsError
from vya_backup.settings.keys import KeyKind
from vya_backup.settings.merging import ACCOUNT_KEYS
from vya_backup.settings.model import Instance
from vya_backup.settings.problems import Origin, Problem, in_order, line_of_id

VERSION = "1.0"
KINDS = ("key-file", "hostname-based")
PURPOSES = ("backup", "restore")
SECRET_KEYS = ("username", "password", "url")
_TOP_KEYS = frozenset({"version", "encryption", "databases", "services"})
_ENTRY_KEYS = frozenset(Instance.model_fields) | ACCOUNT_KEYS | {"database"}
_LISTS = ("databases", "services")
_SERVICE_KEYS = frozenset({"id", *SECRET_KEYS})


@dataclass(frozen=True)
class Entry:
    """One account of the store, as written there; `raw` holds every key of it."""

    raw: dict[str, Any]
    origin: Origin

    @property
    def id(self) -> str:
        """Return the instance that the account is for."""
        return str(self.raw["id"])

    @property
    def purpose(self) -> str:
        """Return `backup`, `restore`, or an empty text for both."""
        return str(self.raw.get("purpose", ""))


@dataclass(frozen=True)
class Document:
    """A store, encrypted or still plain."""

    path: Path
    entries: tuple[Entry, ...]
    kind: KeyKind | None
    services: tuple[Entry, ...] = ()
    """Accounts and addresses of what is no database: a mail server, a target of Apprise, pings."""


def parse(path: Path, content: bytes) -> Document:
    """Read a store.

    Raises:
        CredentialsError: it is no JSON, or its shape is wrong; one line for each error.
    """
    try:
        text = content.decode("utf-8-sig")
        data = json.loads(text)
    except UnicodeDecodeError as error:
        raise CredentialsError(f"{path} is not UTF-8 text", "Save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise CredentialsError(f"{path}:{error.lineno}: is no valid JSON: {error.msg.lower()}") from None
    return _checked(path, text, data)


def render(kind: KeyKind, entries: Iterable[dict[str, Any]], services: Iterable[dict[str, Any]] = ()) -> bytes:
    """Return the bytes of a store with these entries."""
    data: dict[str, Any] = {
        "version": VERSION,
        "encryption": {"method": "fernet", "key_derivation": kind},
        "databases": list(entries),
    }
    if listed := list(services):
        data["services"] = listed
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def refuse(problems: Iterable[Problem]) -> None:
    """Raise when there are problems.

    Raises:
        CredentialsError: all of them, each on its own line.
    """
    text = in_order(problems)
    if text:
        raise CredentialsError(text)


def _checked(path: Path, text: str, data: Any) -> Document:
    top = Origin(str(path), 1)
    if not isinstance(data, dict) or not isinstance(data.get("databases", []), list) or not {*data} & {*_LISTS}:
        raise CredentialsError(str(Problem(top, 'must be {"databases": [ … ]} with one entry for each account')))
    if not isinstance(data.get("services", []), list):
        raise CredentialsError(str(Problem(top.below("services"), 'must be a list of {"id": …, "password": …}')))
    problems = [*_unknown(data, _TOP_KEYS, top), *_wrong_header(data, top)]
    entries = _located(path, text, data.get("databases", []), "databases")
    services = _located(path, text, data.get("services", []), "services")
    wrong = [problem for entry in entries for problem in _wrong_entry(entry.raw, entry.origin)]
    wrong += [problem for entry in services for problem in _wrong_service(entry.raw, entry.origin)]
    refuse([*problems, *wrong])
    refuse([*_twins(entries), *_twins(services)])
    kind = cast("KeyKind | None", data.get("encryption", {}).get("key_derivation"))
    return Document(path, tuple(entries), kind, tuple(services))


def _located(path: Path, text: str, listed: list[Any], key: str) -> list[Entry]:
    names = [raw.get("id") if isinstance(raw, dict) else None for raw in listed]
    return [
        Entry(raw, Origin(str(path), line_of_id(text, name, nth=names[:number].count(name)), f"{key}[{number}]"))
        for number, (raw, name) in enumerate(zip(listed, names, strict=True))
    ]


def _wrong_header(data: dict[str, Any], top: Origin) -> Iterator[Problem]:
    if not str(data.get("version", VERSION)).startswith("1."):
        yield Problem(top.below("version"), f"is newer than this program knows ({VERSION}); update the program")
    encryption = data.get("encryption", {})
    if not isinstance(encryption, dict):
        yield Problem(top.below("encryption"), 'must be {"method": "fernet", "key_derivation": "key-file"}')
        return
    if encryption.get("method", "fernet") != "fernet":
        yield Problem(top.below("encryption", "method"), "must be fernet")
    if encryption.get("key_derivation", KINDS[0]) not in KINDS:
        yield Problem(top.below("encryption", "key_derivation"), f"must be {' or '.join(KINDS)}")


def _wrong_entry(raw: Any, origin: Origin) -> Iterator[Problem]:
    if not isinstance(raw, dict):
        yield Problem(origin, 'must be {"id": …, "username": …, "password": …}')
        return
    yield from _unknown(raw, _ENTRY_KEYS, origin)
    for key in ("id", "username"):
        if not raw.get(key):
            yield Problem(origin.below(key), "is missing; add it")
    for key in ("id", *SECRET_KEYS):
        if not isinstance(raw.get(key, ""), str):
            yield Problem(origin.below(key), "must be text; put it in quotes")
    if "purpose" in raw and raw["purpose"] not in PURPOSES:
        yield Problem(origin.below("purpose"), f"must be {' or '.join(PURPOSES)}, or left out for both")


def _wrong_service(raw: Any, origin: Origin) -> Iterator[Problem]:
    if not isinstance(raw, dict):
        yield Problem(origin, 'must be {"id": …, "username": …, "password": …} or {"id": …, "url": …}')
        return
    yield from _unknown(raw, _SERVICE_KEYS, origin)
    if not raw.get("id"):
        yield Problem(origin.below("id"), "is missing; add it")
    for key in _SERVICE_KEYS:
        if not isinstance(raw.get(key, ""), str):
            yield Problem(origin.below(key), "must be text; put it in quotes")


def _unknown(raw: dict[str, Any], known: frozenset[str], origin: Origin) -> Iterator[Problem]:
    for key in raw:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            remedy = f"did you mean `{near[0]}`?" if near else f"the keys here are {', '.join(sorted(known))}"
            yield Problem(origin.below(key), f"is an unknown key; {remedy}")


def _twins(entries: list[Entry]) -> Iterator[Problem]:
    first: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        twin = first.setdefault((entry.id, entry.purpose), entry)
        if twin is not entry:
            what = f"is {entry.id} again, as {twin.origin.key}; remove one, or give them different purposes"
            yield Problem(entry.origin, what)
