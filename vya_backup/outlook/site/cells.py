"""PURE: cells of tables for people: badges, human sizes, local times, folded JSON. Exports keep the raw values.

A cell is HTML with every value escaped, or None where Datasette's own way is good enough.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from vya_backup.clock import parse_rfc3339
from vya_backup.outlook.figures import human_duration, human_size

TONES: Final = {
    **dict.fromkeys(("good", "pass", "restored", "recovered", "checksummed", "verified", "covered", "mended"), "good"),
    **dict.fromkeys(("failed", "fail", "damaged", "missing", "restore_failed", "recovery_failed"), "bad"),
    **dict.fromkeys(("discovery_failed", "overdue", "never"), "bad"),
    **dict.fromkeys(("abandoned", "cannot judge", "drill_abandoned", "failing", "open", "to prune"), "warn"),
    **dict.fromkeys(("drilled", "held", "proved"), "note"),
}
"""The tone of a badge by its word; whatever is not named is quiet."""
FOLDED_CHARACTERS: Final = 20_000
DIGEST_CHARACTERS: Final = 10
NONE: Final = '<span class="none">-</span>'
_BOOLEAN: Final = frozenset(
    {"held", "due", "overdue", "restoring", "present", "dumped", "forced", "consistent", "rows_exact", "future"}
)
_BADGES: Final = frozenset({"state", "type", "verdict", "last_verdict", "exit"})
_DIGESTS: Final = frozenset(
    {"hash", "prev_hash", "sha256", "plain_sha256", "metadata_sha256", "schema_hash", "event_id", "catalog_id"}
    | {"run_id", "restore_id", "recovery_id", "shape"}
)


FIRST: Final = (
    *("Link", "id", "at", "started_at", "type", "state", "origin", "instance", "database", "sentence"),
    *("newest_good_at", "message", "proved_at", "command", "exit_status", "size_bytes", "duration_seconds"),
)
"""The columns that a reader looks for, in the order in which tables show them; the others follow."""


def arranged(names: Sequence[str], is_empty: Callable[[int], bool]) -> list[int]:
    """Return the places of the columns that are shown, in order; an `origin` that says nothing is left out."""
    first = [names.index(name) for name in FIRST if name in names]
    rest = [place for place, name in enumerate(names) if place not in first]
    return [place for place in (*first, *rest) if names[place] != "origin" or not is_empty(place)]


def cell(row: Mapping[str, Any], column: str, value: Any, zone: ZoneInfo) -> str | None:
    """Return a value as HTML, by the name of its column and by what it looks like."""
    if value is None or value == "":
        return NONE
    drawn = _by_name(row, column, value, zone)
    if drawn is None and isinstance(value, str) and value[:1] in "{[":
        return folded(value)
    if drawn is None and isinstance(value, int) and not isinstance(value, bool) and column not in {"id", "sequence"}:
        return f'<span class="number">{value:,}</span>'
    return drawn


def badge(word: str, tone: str | None = None) -> str:
    """Return a word as a badge; the word stands there, colour only helps."""
    shown = escape(word.replace("_", " "))
    return f'<span class="badge {tone or TONES.get(word, "quiet")}">{shown}</span>'


def local(instant: datetime, zone: ZoneInfo) -> str:
    """Return a time in the configured zone, with UTC for who points at it."""
    utc = instant.strftime("%Y-%m-%d %H:%M:%S UTC")
    shown = instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return f'<time datetime="{instant.isoformat()}" title="{utc}">{shown}</time>'


def size(value: float) -> str:
    """Return bytes for people, the exact number for who points at it."""
    return f'<span class="number" title="{value:,.0f} bytes">{human_size(value)}</span>'


def duration(seconds: float) -> str:
    """Return seconds for people."""
    return f'<span class="number" title="{seconds:,.3f} s">{human_duration(seconds)}</span>'


def digest(value: str) -> str:
    """Return the beginning of a long identifier, the whole of it for who points at it."""
    short = value if len(value) <= DIGEST_CHARACTERS + 2 else f"{value[:DIGEST_CHARACTERS]}…"
    return f'<code title="{escape(value)}">{escape(short)}</code>'


def folded(text: str) -> str:
    """Return JSON as its beginning, which opens to the whole, indented; other text as it is."""
    try:
        whole = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except ValueError:
        return f'<span class="text">{escape(text[:FOLDED_CHARACTERS])}</span>'
    if len(text) <= 60:
        return f"<code>{escape(text)}</code>"
    rest = "" if len(whole) <= FOLDED_CHARACTERS else "\n…"
    beginning, shown = escape(text[:48]), escape(whole[:FOLDED_CHARACTERS])
    return f'<details><summary><code>{beginning}…</code></summary><pre tabindex="0">{shown}{rest}</pre></details>'


def database_path(instance: str, database: str, origin: str = "") -> str:
    """Return the address of a database's page; in a merged catalog `origin` says whose it is."""
    return f"/db/{encoded(instance)}/{encoded(database)}{_of(origin)}"


def instance_path(instance: str, origin: str = "") -> str:
    """Return the address of an instance's page."""
    return f"/instance/{encoded(instance)}{_of(origin)}"


def encoded(name: str) -> str:
    """Return a name as one part of an address, in Datasette's tilde encoding, in which no proxy reads a slash."""
    return "".join(_tilde(character) for character in name)


def decoded(part: str) -> str:
    """Read what `encoded` wrote."""
    from urllib.parse import unquote

    return unquote(part.replace("%", "%25").replace("~", "%"))


def _of(origin: str) -> str:
    return f"?host={quote(origin, safe='')}" if origin else ""


def _tilde(character: str) -> str:
    if character.isascii() and (character.isalnum() or character in "_-"):
        return character
    return "".join(f"~{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _by_name(row: Mapping[str, Any], column: str, value: Any, zone: ZoneInfo) -> str | None:
    origin = str(row.get("origin") or "")
    if column in _BOOLEAN and value in (0, 1):
        return "yes" if value else "no"
    if column in _BADGES:
        return badge(str(value))
    if column in _DIGESTS:
        return digest(str(value))
    if column in {"backup_id", "newest_good"}:
        return f'<a href="/backup/{encoded(str(value))}">{digest(str(value))}</a>'
    if column == "instance":
        return f'<a href="{escape(instance_path(str(value), origin))}">{escape(str(value))}</a>'
    if column == "database" and row.get("instance"):
        path = database_path(str(row["instance"]), str(value), origin)
        return f'<a href="{escape(path)}">{escape(str(value))}</a>'
    return _measured(column, value, zone)


def _measured(column: str, value: Any, zone: ZoneInfo) -> str | None:
    if isinstance(value, int | float):
        forms: dict[str, Callable[[float], str]] = {"_bytes": size, "_seconds": duration}
        return next((form(value) for ending, form in forms.items() if column.endswith(ending)), None)
    if column == "at" or column.endswith("_at") or column in {"slot_start", "slot_end"}:
        try:
            return local(parse_rfc3339(str(value)), zone)
        except ValueError:
            return None
    return None
