"""Gather what auditors are given for a period into one archive: answers, events, heads, and what verifies them.

The rule: everything comes from one catalog, seen at one moment; no server and no configuration is asked about backups.
Nothing of an event is left out or made better: what does not give its hash is refused.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from vya_backup import __version__
from vya_backup.clock import rfc3339
from vya_backup.decisions.tabular import csv_pieces
from vya_backup.errors import CatalogError
from vya_backup.history.audit import StoredHead
from vya_backup.history.catalog import Catalog
from vya_backup.history.periods import Period, Span, hash_at, lines, spans
from vya_backup.history.questions import Answer, Question, ask, each, questions
from vya_backup.jobs.auditing import Verdict
from vya_backup.resources import resource
from vya_backup.settings.signing import Signer
from vya_backup.transport.archive import Archive, Member

SUMS: Final = "SHA256SUMS"
SIGNATURE: Final = "SHA256SUMS.sig"
CONTENTS: Final = "evidence.json"
HEADS: Final = "heads.csv"
ALL_ROWS: Final = -1
LONG: Final = "history"
"""The one answer that is as long as history, and so is never held in memory."""
_HEAD_COLUMNS: Final = ("source", "catalog_id", "position", "hash", "agrees")


@dataclass(frozen=True)
class Signing:
    """Who signs: `signer` at once, or later the holder of `public_key`; nobody where both are missing."""

    signer: Signer | None = None
    public_key: bytes = b""
    on_backup_host: bool = False


@dataclass(frozen=True)
class Order:
    """What is wanted. `verdict` is that of an audit of the whole catalog, with the heads that were compared."""

    period: Period
    made_at: datetime
    source: str
    signing: Signing
    verdict: Verdict


@dataclass(frozen=True)
class Findings:
    """What a report is made of; the answers but the long one, whose sentences are counted by type."""

    order: Order
    answers: dict[str, Answer]
    rows: dict[str, int]
    spans: tuple[Span, ...]
    heads: int
    types: dict[str, int]
    known_since: dict[tuple[str, str, str], str]
    """When the first dump of each database began, by host, instance and database."""
    interval_days: float


Render = Callable[[Findings], str]


def gather(catalog: Catalog, order: Order, render: Render, archive: Archive) -> Findings:
    """Fill an archive.

    Raises:
        CatalogError: the catalog cannot be read, or an event of the period is not what was recorded.
    """
    with catalog.still():
        found = spans(catalog, order.period)
        if not found:
            raise CatalogError(
                f"the catalog has no event from {order.period.since} to {order.period.until}",
                "See what it has: doit backups.",
            )
        answers, types = _answers(catalog, order, archive)
        for span in found:
            _pack(archive.member(_events_file(span)), lines(catalog, span))
        heads = _heads(catalog, order, found, archive.member(HEADS))
        rows = {name: len(answer.rows) for name, answer in answers.items()} | {LONG: sum(types.values())}
        known, interval = _known_since(catalog), _interval_days(catalog)
    findings = Findings(order, answers, rows, tuple(found), heads, dict(sorted(types.items())), known, interval)
    archive.add("report.html", render(findings).encode())
    archive.add("verify.py", resource("catalog/evidence/verify.py").read_bytes())
    archive.add("README.txt", resource("catalog/evidence/README.txt").read_bytes())
    archive.add(CONTENTS, (json.dumps(_contents(findings), indent=1, ensure_ascii=False) + "\n").encode())
    seal(archive, order.signing.signer)
    return findings


def seal(archive: Archive, signer: Signer | None) -> None:
    """Add the sums of all members, and a signature of these where there is a key."""
    sums = "".join(f"{member.sha256}  {name}\n" for name, member in sorted(archive.members.items())).encode()
    archive.add(SUMS, sums)
    if signer:
        archive.add(SIGNATURE, signature_line(signer, sums))


def signature_line(signer: Signer, sums: bytes) -> bytes:
    """Return the content of the signature's file: the kind of key, the public key and the signature."""
    return f"ed25519 {signer.public.hex()} {signer.sign(sums).hex()}\n".encode()


def _answers(catalog: Catalog, order: Order, archive: Archive) -> tuple[dict[str, Answer], Counter[str]]:
    answers, types = {}, Counter[str]()
    for question in questions():
        member, values = archive.member(f"answers/{question.name}.csv"), _values(question, order.period)
        if question.name == LONG:
            rows = each(catalog, question, values)
            head = next(rows)
            _write_csv(member, head, _counted(rows, head.index("type"), types))
        else:
            answer = answers[question.name] = ask(catalog, question, values)
            _write_csv(member, answer.columns, answer.rows)
    return answers, types


def _values(question: Question, period: Period) -> dict[str, Any]:
    """Return the period's times; what is asked as of a moment is asked as of its end."""
    said = {"from": period.since, "to": period.until, "on": period.until, "limit": ALL_ROWS}
    return {name: said[name] for name in question.takes if name in said}


def _counted(rows: Iterable[tuple[Any, ...]], column: int, types: Counter[str]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        types[str(row[column])] += 1
        yield row


def _heads(catalog: Catalog, order: Order, found: Iterable[Span], member: Member) -> int:
    """Write the ends of the chains as the catalog has them, then as others remember them; return their number."""
    own = [StoredHead(span.catalog_id, span.head_position, span.head_hash, "catalog") for span in found]
    heads = [*own, *order.verdict.stored]
    rows = []
    for head in heads:
        here = hash_at(catalog, head.catalog_id, head.position)
        agrees = "yes" if here == head.hash else "no" if here else "not here"
        rows.append((head.source, head.catalog_id, head.position, head.hash, agrees))
    _write_csv(member, _HEAD_COLUMNS, rows)
    return len(rows)


def _known_since(catalog: Catalog) -> dict[tuple[str, str, str], str]:
    sql = "SELECT host, instance, database, min(started_at) FROM projected_backups GROUP BY 1, 2, 3"
    return {(host, instance, database): first for host, instance, database, first in catalog.stream(sql)}


def _interval_days(catalog: Catalog) -> float:
    """Return how often backups are due, as the newest configuration says; a day where none is recorded."""
    sql = "SELECT json_extract(data, '$.interval_minutes') AS minutes FROM events WHERE type = 'configured'"
    rows = catalog.rows(f"{sql} ORDER BY id DESC LIMIT 1")
    return float(rows[0]["minutes"]) / 1440 if rows else 1.0


def _pack(member: Member, content: Iterable[bytes]) -> None:
    with gzip.GzipFile("", "wb", 6, member, mtime=0) as packed:
        for line in content:
            packed.write(line)


def _write_csv(member: Member, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    for piece in csv_pieces(columns, rows):
        member.write(piece)


def _contents(findings: Findings) -> dict[str, Any]:
    """Return what the verifying program reads, and whoever wants to read the rest by machine."""
    order, verdict = findings.order, findings.order.verdict
    public = order.signing.signer.public if order.signing.signer else order.signing.public_key
    return {
        "format": 1,
        "program": f"vya-backupdb {__version__}",
        "made_at": rfc3339(order.made_at),
        "said": {"from": order.period.since, "to": order.period.until},
        "period": list(order.period.bounds),
        "source": order.source,
        "chains": [asdict(span) | {"file": _events_file(span)} for span in findings.spans],
        "answers": [
            {
                "file": f"answers/{question.name}.csv",
                "rows": findings.rows[question.name],
                **{name: getattr(question, name) for name in ("title", "about", "serves")},
            }
            for question in questions()
        ],
        "heads": {"file": HEADS, "rows": findings.heads},
        "audit": verdict.as_json(),
        "signature": {"public_key": public.hex(), "on_backup_host": order.signing.on_backup_host},
        "verify.py": hashlib.sha256(resource("catalog/evidence/verify.py").read_bytes()).hexdigest(),
    }


def _events_file(span: Span) -> str:
    return f"events/{span.catalog_id}.jsonl.gz"
