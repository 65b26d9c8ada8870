"""What auditors are given cannot be changed unseen, and says the same whenever it is made of the same history."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import random
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.evidence import Judge, contents, forged, key, make, program, publish, signed_by, unpacked
from tests.history.samples import Steps, good, opened
from tests.samples.long_history import long_history
from vya_backup.errors import BackupError, CatalogError, UsageError
from vya_backup.history import chain
from vya_backup.history.catalog import Catalog
from vya_backup.history.events import Failed
from vya_backup.history.periods import period
from vya_backup.history.questions import questions
from vya_backup.jobs.evidence import SIGNATURE, SUMS
from vya_backup.jobs.evidence_signing import sign
from vya_backup.transport.archive import Archive

SINCE, UNTIL = "2025-12-20", "2026-01-03"
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """A copy of a catalog of forty days."""
    path = long_history(tmp_path_factory.mktemp("past") / "catalog.db", years=40 / 365, databases=4)
    catalog = Catalog.open_copy(path)
    yield catalog
    catalog.close()


@pytest.fixture(scope="module")
def signed(past: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evidence of two weeks, signed by the key 1."""
    target = tmp_path_factory.mktemp("evidence") / "signed.zip"
    make(past, target, SINCE, UNTIL, signed_by(1))
    return target


@pytest.fixture(scope="module")
def unsigned(past: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without a signature."""
    target = tmp_path_factory.mktemp("evidence") / "unsigned.zip"
    make(past, target, SINCE, UNTIL)
    return target


@pytest.fixture(scope="module")
def judge() -> Judge:
    """The verifying program."""
    return Judge(program())


def test_what_is_as_it_was_made_is_verified(signed: Path, unsigned: Path, judge: Judge, tmp_path: Path) -> None:
    """As a file and as a folder, with the key and without."""
    public = key(1).public.hex()
    folder = unpacked(signed, tmp_path / "folder")
    assert [judge.faults(path, public) for path in (signed, folder)] == ["", ""]
    assert [judge.faults(path) for path in (signed, unsigned)] == ["", ""]


def test_the_same_history_makes_the_same_bytes(past: Catalog, signed: Path, tmp_path: Path) -> None:
    """Two who make it from two copies can compare their digests."""
    make(past, tmp_path / "again.zip", SINCE, UNTIL, signed_by(1))
    assert (tmp_path / "again.zip").read_bytes() == signed.read_bytes()
    members = contents(signed)
    assert members[events_of(members)[0]][4:8] == bytes(4), "a gzip file holds a time"


def test_one_changed_byte_anywhere_in_the_file_is_seen(
    signed: Path, unsigned: Path, judge: Judge, tmp_path: Path
) -> None:
    """Between the members too, where a zip file has room for more than what is read."""
    chance, target = random.Random(20260109), tmp_path / "changed.zip"
    for original in (signed, unsigned):
        content = original.read_bytes()
        tail = content.index(b"PK\1\2")
        headers = [found.start() + 4 for found in re.finditer(re.escape(b"PK\3\4"), content)]
        places = [*chance.sample(range(len(content)), 300), *chance.sample(range(tail, len(content)), 100)]
        places += [start + chance.randrange(30) for start in headers]
        for place in places:
            changed = bytearray(content)
            changed[place] ^= 1 << chance.randrange(8)
            target.write_bytes(changed)
            assert judge.faults(target), f"byte {place:,} of {original.name}"
        for longer in (content + b"\0", b"\0" + content, content[:-1]):
            target.write_bytes(longer)
            assert judge.faults(target)


def test_one_changed_byte_of_any_member_is_seen(signed: Path, judge: Judge, tmp_path: Path) -> None:
    """In the folder that it was unpacked into: report, answers, events, sums, signature and the program itself."""
    chance, folder = random.Random(20260110), unpacked(signed, tmp_path / "folder")
    for name, content in contents(signed).items():
        for place in (0, len(content) - 1, *(chance.randrange(len(content)) for _ in range(3))):
            changed = bytearray(content)
            changed[place] ^= 1 << chance.randrange(8)
            (folder / name).write_bytes(changed)
            assert judge.faults(folder), f"byte {place:,} of {name}"
        (folder / name).write_bytes(content)
    assert judge.faults(folder) == ""


def test_a_file_more_or_less_is_seen(signed: Path, judge: Judge, tmp_path: Path) -> None:
    """Nothing is added beside what was summed, and nothing taken."""
    folder = unpacked(signed, tmp_path / "folder")
    (folder / "answers/more.csv").write_text("at\n")
    assert judge.faults(folder) == "answers/more.csv is not in SHA256SUMS"
    (folder / "answers/more.csv").unlink()
    (folder / "answers/holds.csv").unlink()
    assert judge.faults(folder) == "answers/holds.csv is missing"


def test_the_sums_have_one_order(unsigned: Path, judge: Judge, tmp_path: Path) -> None:
    """There is one way to write them, so that nothing of them can be changed."""
    folder = unpacked(unsigned, tmp_path / "folder")
    lines = (folder / SUMS).read_text().splitlines(keepends=True)
    (folder / SUMS).write_text("".join([lines[1], lines[0], *lines[2:]]))
    assert "not as it is written" in judge.faults(folder)


def events_of(members: Members) -> tuple[str, list[bytes]]:
    """Return the name of the events' file and its lines."""
    name = next(name for name in members if name.startswith("events/"))
    return name, gzip.decompress(members[name]).splitlines(keepends=True)


def without_an_event(members: Members) -> Members:
    """Take one event out of the middle."""
    name, lines = events_of(members)
    return members | {name: gzip.compress(b"".join(lines[:50] + lines[51:]))}


def without_the_last_event(members: Members) -> Members:
    """Cut the end off."""
    name, lines = events_of(members)
    return members | {name: gzip.compress(b"".join(lines[:-1]))}


def without_the_first_event(members: Members) -> Members:
    """Begin later."""
    name, lines = events_of(members)
    return members | {name: gzip.compress(b"".join(lines[1:]))}


def with_another_actor(members: Members) -> Members:
    """Say that someone else did it."""
    name, lines = events_of(members)
    return members | {name: gzip.compress(b"".join([*lines[:50], lines[50].replace(b"unit", b"null"), *lines[51:]]))}


def with_another_actor_and_hash(members: Members) -> Members:
    """The same by someone who knows what a hash is."""
    name, lines = events_of(members)
    event = json.loads(lines[50])["event"]
    event[10] = "nobody"
    line = b'{"hash":"%s","event":%s}\n' % (chain.digest(event).encode(), chain.encoded(event))
    return members | {name: gzip.compress(b"".join([*lines[:50], line, *lines[51:]]))}


def with_two_events_exchanged(members: Members) -> Members:
    """Say that it happened in another order."""
    name, lines = events_of(members)
    lines[50], lines[51] = lines[51], lines[50]
    return members | {name: gzip.compress(b"".join(lines))}


def without_a_failure(members: Members) -> Members:
    """Take a row out of an answer."""
    name = "answers/failures_mended.csv"
    lines = members[name].splitlines(keepends=True)
    return members | {name: b"".join(lines[:1] + lines[2:])}


def without_a_failure_and_its_count(members: Members) -> Members:
    """Take an event's row out of the audit log, and correct the number of rows."""
    name = "answers/history.csv"
    told = json.loads(members["evidence.json"])
    for answer in told["answers"]:
        answer["rows"] -= answer["file"] == name
    lines = members[name].splitlines(keepends=True)
    return members | {name: b"".join(lines[:1] + lines[2:]), "evidence.json": json.dumps(told).encode()}


def with_an_event_told_twice(members: Members) -> Members:
    """Put a sentence of an event that is not there into the audit log, in place of another."""
    name = "answers/history.csv"
    lines = members[name].splitlines(keepends=True)
    return members | {name: b"".join([lines[0], lines[1][:-65] + b"0" * 64 + b"\n", *lines[2:]])}


def with_an_event_without_a_place(members: Members) -> Members:
    """Leave the hash of a sentence out, and name a position that nothing can be compared with."""
    name = "answers/history.csv"
    lines = members[name].splitlines(keepends=True)
    return members | {name: b"".join([lines[0], lines[1][:-66] + b"000000,\n", *lines[2:]])}


def with_another_beginning(members: Members) -> Members:
    """Say that another hash stood before the first event."""
    told = json.loads(members["evidence.json"])
    told["chains"][0]["prev_hash"] = "0" * 64
    return members | {"evidence.json": json.dumps(told).encode()}


def with_another_end(members: Members, change: Callable[[list[Any]], None]) -> Members:
    """Change the last event, and everything that tells its hash."""
    name, lines = events_of(members)
    told = json.loads(members["evidence.json"])
    event = json.loads(lines[-1])["event"]
    before = told["chains"][0]["last_hash"]
    change(event)
    digest = chain.digest(event)
    told["chains"][0]["last_hash"] = digest
    line = b'{"hash":"%s","event":%s}\n' % (digest.encode(), chain.encoded(event))
    log = members["answers/history.csv"].replace(before.encode(), digest.encode())
    changed = {name: gzip.compress(b"".join([*lines[:-1], line])), "answers/history.csv": log}
    return members | changed | {"evidence.json": json.dumps(told).encode()}


def with_a_gap_before_the_last_event(members: Members) -> Members:
    """Say that there was one more, which is not here."""

    def further(event: list[Any]) -> None:
        event[1] += 1

    return with_another_end(members, further)


def with_an_event_of_another_catalog(members: Members) -> Members:
    """Borrow one."""

    def borrowed(event: list[Any]) -> None:
        event[0] = "another"

    return with_another_end(members, borrowed)


def without_the_last_event_and_its_sentence(members: Members) -> Members:
    """Cut the end off wherever it is told of; only the hash at the end remembers it."""
    changed = without_a_failure_and_its_count(without_the_last_event(members))
    name = "answers/history.csv"
    assert members[name].splitlines()[1].endswith(json.loads(events_of(members)[1][-1])["hash"].encode())
    return changed


FORGERIES = [
    with_a_gap_before_the_last_event,
    with_an_event_of_another_catalog,
    without_the_last_event_and_its_sentence,
    without_an_event,
    without_the_last_event,
    without_the_first_event,
    with_another_actor,
    with_another_actor_and_hash,
    with_two_events_exchanged,
    without_a_failure,
    without_a_failure_and_its_count,
    with_an_event_told_twice,
    with_an_event_without_a_place,
    with_another_beginning,
]


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forger_without_the_key_is_found_by_the_chain_or_the_counts(
    unsigned: Path, judge: Judge, tmp_path: Path, forgery: Callable[[Members], Members]
) -> None:
    """Even where nobody signed and all sums were made anew."""
    before = contents(unsigned)
    assert forgery(dict(before)) != before
    assert judge.faults(forged(unsigned, tmp_path / "same.zip", lambda members: members)) == ""
    fault = judge.faults(forged(unsigned, tmp_path / "forged.zip", forgery))
    assert fault
    assert not fault.startswith("unreadable")


def test_a_forger_with_another_key_is_found(signed: Path, judge: Judge, tmp_path: Path) -> None:
    """By the key that the evidence promises; or, where he changed that too, by the key that the auditor was given."""

    def promising_mine(members: Members) -> Members:
        return members | {
            "evidence.json": members["evidence.json"].replace(
                key(1).public.hex().encode(), key(2).public.hex().encode()
            )
        }

    wrong = forged(signed, tmp_path / "wrong.zip", lambda members: members, key(2))
    assert f"signed by the key {key(2).public.hex()} and not by" in judge.faults(wrong)
    own = forged(signed, tmp_path / "own.zip", promising_mine, key(2))
    assert judge.faults(own) == ""
    assert "and not by" in judge.faults(own, key(1).public.hex())
    none = forged(signed, tmp_path / "none.zip", lambda members: members)
    assert "not signed, though" in judge.faults(none)


def test_a_head_that_others_remember_is_compared(unsigned: Path, judge: Judge, tmp_path: Path) -> None:
    """A sidecar that was written at the time knows better than a catalog that was made anew."""
    first = json.loads(contents(unsigned)["evidence.json"])["chains"][0]

    def remembering(digest: str) -> Callable[[Members], Members]:
        row = f"x.metadata.json,{first['catalog_id']},{first['last']},{digest},no\n".encode()

        def change(members: Members) -> Members:
            told = json.loads(members["evidence.json"])
            told["heads"]["rows"] += 1
            return members | {
                "heads.csv": members["heads.csv"] + row,
                "evidence.json": json.dumps(told).encode(),
            }

        return change

    true = forged(unsigned, tmp_path / "true.zip", remembering(first["last_hash"]))
    false = forged(unsigned, tmp_path / "false.zip", remembering("f" * 64))
    assert judge.faults(true) == ""
    assert "x.metadata.json remembers another event" in judge.faults(false)


def test_it_holds_the_chain_of_the_period_and_the_hash_before(past: Catalog, unsigned: Path) -> None:
    """Every event from the first to the last of the period, in the very bytes that were hashed."""
    members = contents(unsigned)
    told = json.loads(members["evidence.json"])["chains"][0]
    name, lines = events_of(members)
    assert name == told["file"]
    sql = "SELECT position, prev_hash, hash FROM events WHERE at >= ? AND at < '2026-01-04' ORDER BY id"
    expected = past.rows(sql, (SINCE,))
    assert (told["first"], told["last"]) == (expected[0]["position"], expected[-1]["position"])
    assert (told["prev_hash"], told["last_hash"]) == (expected[0]["prev_hash"], expected[-1]["hash"])
    assert [json.loads(line)["hash"] for line in lines] == [row["hash"] for row in expected]
    assert told["prev_hash"] != chain.GENESIS
    head = past.rows("SELECT position, hash FROM events ORDER BY id DESC LIMIT 1")[0]
    assert (told["head_position"], told["head_hash"]) == tuple(head)


def test_it_holds_every_answer_whole(unsigned: Path) -> None:
    """One file for each question, with as many rows as it says."""
    members = contents(unsigned)
    for answer in json.loads(members["evidence.json"])["answers"]:
        rows = list(csv.reader(io.StringIO(members[answer["file"]].decode())))
        assert len(rows) == answer["rows"] + 1, answer["file"]
    assert {f"answers/{one.name}.csv" for one in questions()} == {n for n in members if n.startswith("answers/")}


def test_the_sums_are_those_of_everyone(unsigned: Path, tmp_path: Path) -> None:
    """`sha256sum -c` reads them."""
    folder = unpacked(unsigned, tmp_path / "folder")
    for line in (folder / SUMS).read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_the_report_asks_for_nothing_from_anywhere(unsigned: Path) -> None:
    """One page with its style and its plots; a browser is told so, too."""
    page = contents(unsigned)["report.html"].decode()
    assert not re.findall(r"<script|<link|<img|<iframe|url\(|@import|https?:|src=", page)
    assert "default-src 'none'" in page
    assert page.count("<svg") > 5
    assert page.count("<svg") == page.count('role="img"') + page.count("aria-hidden")


def test_what_comes_from_outside_is_text_and_nothing_else(tmp_path: Path, judge: Judge) -> None:
    """In the page it is no markup, in a spreadsheet no formula."""
    catalog = opened(tmp_path, Steps())
    message = "<script>alert(1)</script>"
    catalog.append(*good(), Failed(instance="prod", database="=1+1", step="dump", code="dump", message=message))
    make(catalog, tmp_path / "e.zip", "2026-01-09", "2026-01-09")
    catalog.close()
    members = contents(tmp_path / "e.zip")
    assert b"<script>" not in members["report.html"]
    assert b"&lt;script&gt;" in members["report.html"]
    assert b",'=1+1," in members["answers/failures_mended.csv"]
    assert judge.faults(tmp_path / "e.zip") == ""


@pytest.mark.parametrize(
    ("number", "words"), [(1, "not kept off that host"), (0, "no key is configured"), (2, "To be signed by the key")]
)
def test_the_report_says_where_the_key_is(past: Catalog, tmp_path: Path, number: int, words: str) -> None:
    """Evidence that a backup host signs itself is worth less, and says so."""
    promised = signed_by(2)
    assert promised.signer is not None
    later = type(promised)(public_key=promised.signer.public)
    signing = {0: None, 1: signed_by(1, on_backup_host=True), 2: later}[number]
    make(past, tmp_path / "e.zip", SINCE, SINCE, signing)
    assert words in contents(tmp_path / "e.zip")["report.html"].decode()


def test_it_is_signed_where_the_key_is(past: Catalog, tmp_path: Path, judge: Judge) -> None:
    """Unsigned it is refused, since it promises a key; signed it differs by the signature alone."""
    made, done = tmp_path / "made.zip", tmp_path / "done.zip"
    signing = signed_by(2)
    assert signing.signer is not None
    make(past, made, SINCE, UNTIL, type(signing)(public_key=signing.signer.public))
    assert "it is not signed, though" in judge.faults(made)
    with Archive() as archive:
        sign(made, signing.signer, archive)
        publish(archive, done)
    assert judge.faults(done, signing.signer.public.hex()) == ""
    assert contents(done).keys() - contents(made).keys() == {SIGNATURE}


@pytest.mark.parametrize(
    ("change", "number", "kind"),
    [
        (lambda content: content, 3, "is to be signed by the key"),
        (lambda content: content.replace(b"Evidence of backups", b"Evidence 0f backups"), 2, "is no evidence file"),
        (lambda content: content[:-30], 2, "is no evidence file"),
        (lambda content: b"PK", 2, "is no evidence file"),
    ],
)
def test_what_is_not_whole_or_for_another_key_is_not_signed(
    past: Catalog, tmp_path: Path, change: Callable[[bytes], bytes], number: int, kind: str
) -> None:
    """A signature says that somebody has looked."""
    made, public = tmp_path / "made.zip", key(2).public
    make(past, made, SINCE, SINCE, type(signed_by(2))(public_key=public))
    made.write_bytes(change(made.read_bytes()))
    with Archive() as archive, pytest.raises(BackupError, match=kind):
        sign(made, key(number), archive)


def test_what_its_sums_do_not_tell_is_not_signed(unsigned: Path, tmp_path: Path) -> None:
    """Even where the zip file itself is in order."""
    with Archive() as archive:
        for name, content in contents(unsigned).items():
            archive.add(name, content.replace(b"Evidence of backups", b"Evidence 0f backups"))
        publish(archive, tmp_path / "changed.zip")
    with Archive() as archive, pytest.raises(BackupError, match="is not what its SHA256SUMS says"):
        sign(tmp_path / "changed.zip", key(1), archive)


def test_what_is_signed_is_not_signed_again(signed: Path) -> None:
    """There is one signature."""
    with Archive() as archive, pytest.raises(UsageError, match="is signed already"):
        sign(signed, key(1), archive)


@pytest.mark.parametrize(("changes", "position"), [("actor = 'nobody'", 6), (None, 7)])
def test_a_catalog_that_was_tampered_with_makes_no_evidence(tmp_path: Path, changes: str | None, position: int) -> None:
    """What does not give its hash, or is not followed by the next event, is not passed on."""
    path = long_history(tmp_path / "c.db", years=3 / 365, databases=1)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER events_refuse_update")
        columns = ", ".join(chain.HASHED)
        event = list(connection.execute(f"SELECT {columns} FROM events WHERE id = 6").fetchone())
        event[chain.HASHED.index("actor")] = "nobody"
        anew = f"actor = 'nobody', hash = '{chain.digest(event)}'"
        connection.execute(f"UPDATE events SET {changes or anew} WHERE id = 6")
    catalog = Catalog.open_copy(path)
    with pytest.raises(CatalogError, match=rf"position {position} .* is no evidence"):
        make(catalog, tmp_path / "e.zip", "2026-01-01", "2026-01-09")
    catalog.close()
    assert not (tmp_path / "e.zip").exists()


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("", "2026-01-01", "--from is missing"),
        ("2026-01-01", "", "--to is missing"),
        ("2026-02-01", "2026-01-01", "is before"),
        ("January", "2026-01-01", "is no time"),
    ],
)
def test_a_period_must_be_one(since: str, until: str, words: str) -> None:
    """Both ends, in order."""
    with pytest.raises(UsageError, match=words):
        period(since, until)


def test_a_period_without_an_event_is_refused(past: Catalog, tmp_path: Path) -> None:
    """An empty file would look like evidence of nothing."""
    with pytest.raises(CatalogError, match="has no event"):
        make(past, tmp_path / "e.zip", "2020-01-01", "2020-01-02")
