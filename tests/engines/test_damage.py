"""The catalogue of damage: each kind is done to stored backups of each engine, and the checks that catch it are named.

A kind that no check names fails. What is mended afterwards is good again.
"""

from __future__ import annotations

import gzip
import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engines.contract import AtAPlace, Bench, Place
from tests.engines.places import ServerPlace, SqlitePlace
from tests.servers import Servers
from vya_backup.decisions.naming import ArtifactName
from vya_backup.history.events import Damaged, Verified
from vya_backup.history.recorded import recorded
from vya_backup.history.views import BackupRow, backup, restorable
from vya_backup.jobs.verifying import verify
from vya_backup.transport.pipeline import silent

PAGE = 4096  # of SQLite; more than the end-of-dump line of the others


@dataclass(frozen=True)
class Artifact:
    """The three files of one backup."""

    dump: Path
    checksum: Path
    metadata: Path

    @property
    def files(self) -> tuple[Path, Path, Path]:
        """Return all three."""
        return self.dump, self.checksum, self.metadata


Damage = Callable[[Artifact, Artifact], object]
"""What is done to the newer of two backups of one database; the older one is the second."""


def flipped(path: Path, offset: int, bit: int = 3) -> None:
    """Flip one bit."""
    content = bytearray(path.read_bytes())
    content[offset] ^= 1 << bit
    path.write_bytes(content)


def cut(path: Path, size: int) -> None:
    """Keep the beginning; a negative size is counted from the end."""
    path.write_bytes(path.read_bytes()[:size])


def swapped(one: Path, other: Path) -> None:
    """Let two files change places."""
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)


def repacked(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change the content, and pack it again without a fault."""
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))


def replaced_by_a_folder(path: Path) -> None:
    """Something else stands under the name."""
    path.unlink()
    path.mkdir()


def copied(source: Artifact, target: Artifact) -> None:
    """Put one artifact under the name of another."""
    for one, other in zip(source.files, target.files, strict=True):
        other.write_bytes(one.read_bytes())


def middle(path: Path) -> int:
    """Return an offset that is in the packed data for certain."""
    return path.stat().st_size // 2


CATALOGUE: dict[str, tuple[Damage, str]] = {
    "a bit flipped in the middle": (lambda new, old: flipped(new.dump, middle(new.dump)), "digest, decoding"),
    "a bit flipped in the header's time": (lambda new, old: flipped(new.dump, 4), "digest"),
    "a bit flipped in the last byte": (lambda new, old: flipped(new.dump, -1), "digest, decoding"),
    "a block of zeros": (
        lambda new, old: new.dump.write_bytes(new.dump.read_bytes()[:512] + bytes(512) + new.dump.read_bytes()[1024:]),
        "digest, decoding",
    ),
    "one byte cut off": (lambda new, old: cut(new.dump, -1), "size, digest, decoding"),
    "half cut off": (lambda new, old: cut(new.dump, middle(new.dump)), "size, digest, decoding"),
    "emptied": (lambda new, old: cut(new.dump, 0), "size, digest, decoding"),
    "garbage behind the end": (
        lambda new, old: new.dump.write_bytes(new.dump.read_bytes() + b"x"),
        "size, digest, decoding",
    ),
    "words behind the end, well packed": (
        lambda new, old: new.dump.write_bytes(new.dump.read_bytes() + gzip.compress(b"DROP TABLE item;\n")),
        "size, digest, end of dump, content digest",
    ),
    "the end dropped, packed again": (
        lambda new, old: repacked(new.dump, lambda plain: plain[:-PAGE]),
        "size, digest, end of dump, content digest",
    ),
    "one letter changed, packed again": (
        lambda new, old: repacked(new.dump, lambda plain: plain.replace(b"(thing), 77", b"(thinG), 77")),
        "size, digest, content digest",
    ),
    "two dumps swapped": (lambda new, old: swapped(new.dump, old.dump), "size, digest, content digest"),
    "an older dump under the newer name": (
        lambda new, old: new.dump.write_bytes(old.dump.read_bytes()),
        "size, digest, content digest",
    ),
    "an older artifact under the newer name": (
        lambda new, old: copied(old, new),
        "size, digest, content digest, checksum file, metadata sidecar",
    ),
    "the dump removed": (lambda new, old: new.dump.unlink(), "presence"),
    "the whole artifact removed": (lambda new, old: [path.unlink() for path in new.files], "presence"),
    "a folder in the dump's place": (lambda new, old: replaced_by_a_folder(new.dump), "reading"),
    "a stale checksum file": (lambda new, old: new.checksum.write_bytes(old.checksum.read_bytes()), "checksum file"),
    "a bit flipped in the checksum": (lambda new, old: flipped(new.checksum, 10), "checksum file"),
    "a bit flipped in the name beside it": (lambda new, old: flipped(new.checksum, -4), "checksum file"),
    "a checksum file cut short": (lambda new, old: cut(new.checksum, -1), "checksum file"),
    "no checksum file": (lambda new, old: new.checksum.unlink(), "checksum file"),
    "a folder in the checksum file's place": (lambda new, old: replaced_by_a_folder(new.checksum), "checksum file"),
    "a stale sidecar": (lambda new, old: new.metadata.write_bytes(old.metadata.read_bytes()), "metadata sidecar"),
    "two sidecars swapped": (lambda new, old: swapped(new.metadata, old.metadata), "metadata sidecar"),
    "a bit flipped in the sidecar": (lambda new, old: flipped(new.metadata, middle(new.metadata)), "metadata sidecar"),
    "a sidecar emptied": (lambda new, old: cut(new.metadata, 0), "metadata sidecar"),
    "no sidecar": (lambda new, old: new.metadata.unlink(), "metadata sidecar"),
}
OF_DUMP = ("presence", "size", "digest", "decoding", "end of dump", "content digest")


class DamageContract(AtAPlace):
    """What is found out about the stored backups of every engine."""

    def test_each_kind_of_damage_is_caught_by_the_checks_it_should_be(self, bench: Bench) -> None:
        """Dump and sidecars: the verdict, the checks, the state; and all is well once the files are back."""
        older, newer = two_backups(bench)
        old, new = artifact(bench, older), artifact(bench, newer)
        kept = {path: path.read_bytes() for path in (*new.files, *old.files)}
        for kind, (damage, expected) in CATALOGUE.items():
            damage(new, old)
            is_resized = new.dump.is_file() and new.dump.stat().st_size != newer.size_bytes

            caught = found(bench, newer)

            caught_by = set(caught.checks)
            wanted = set(expected.split(", "))
            assert caught_by, f"{kind}: nothing found it"
            assert caught_by - {"size"} == wanted - {"size"}, f"{kind}: {caught.reason}"
            assert ("size" in caught_by) == is_resized, kind  # another content may pack to the same size by chance
            assert "size" in wanted or not is_resized, kind
            assert caught.verdict == ("cannot judge" if "folder" in kind else "fail"), kind
            assert state(bench, newer) == state_after(caught), kind
            put_back(kept)
            assert found(bench, newer).verdict == "pass", kind
            assert state(bench, newer) == "good", kind

    def test_what_was_recorded_without_its_end_is_found_by_that_alone(self, bench: Bench) -> None:
        """Every digest agrees, since the catalog recorded the broken dump: only its content tells."""
        _older, newer = two_backups(bench)
        new = artifact(bench, newer)
        repacked(new.dump, lambda plain: plain[:-PAGE])
        believed(bench, newer, new.dump)

        assert found(bench, newer).checks == ("end of dump", "checksum file")


def two_backups(bench: Bench) -> tuple[BackupRow, BackupRow]:
    """Return an older and a newer good backup of `shop`, of different content."""
    older = bench.backup("shop")
    bench.place.execute("shop", "UPDATE item SET name = 'changed since' WHERE id < 100 AND id <> 77")
    return older, bench.backup("shop")


def artifact(bench: Bench, row: BackupRow) -> Artifact:
    """Return the files of a backup."""
    name = ArtifactName(row.path or "")
    return Artifact(*(bench.workspace.store.path(path) for path in (name.dump, name.checksum, name.metadata)))


def found(bench: Bench, row: BackupRow) -> Verified:
    """Verify a backup and return the event."""
    assert verify(bench.workspace, row.backup_id, silent) is not None
    events = [r.event for r in recorded(bench.workspace.catalog, "type IN ('verified', 'damaged') AND id > 0")]
    last = events[-1]
    assert isinstance(last, Verified)
    if any(check in OF_DUMP[1:] for check in last.checks):
        told = events[-2]
        assert isinstance(told, Damaged)
        assert told.check.split(", ") == [check for check in last.checks if check in OF_DUMP]
    return last


def state(bench: Bench, row: BackupRow) -> str:
    """Return a backup's state, and hold the view of what can be restored to it."""
    now = backup(bench.workspace.catalog, row.backup_id)
    assert now is not None
    assert (now.state == "good") == (row.backup_id in {r.backup_id for r in restorable(bench.workspace.catalog)})
    return now.state


def state_after(caught: Verified) -> str:
    """Return what a backup must be after these checks have spoken: a sidecar alone changes nothing."""
    if "presence" in caught.checks:
        return "missing"
    return "damaged" if any(check in OF_DUMP for check in caught.checks) else "good"


def put_back(kept: dict[Path, bytes]) -> None:
    """Undo every damage."""
    for path, content in kept.items():
        if path.is_dir():
            path.rmdir()
        path.write_bytes(content)


def believed(bench: Bench, row: BackupRow, dump: Path) -> None:
    """Let the catalog say that these bytes are what was dumped: what a lying program would have recorded."""
    content = dump.read_bytes()
    digests = [hashlib.sha256(data).hexdigest() for data in (content, gzip.decompress(content))]
    with closing(sqlite3.connect(bench.workspace.catalog.path)) as connection, connection:
        connection.execute(
            "UPDATE projected_backups SET size_bytes = ?, sha256 = ?, plain_sha256 = ? WHERE backup_id = ?",
            (len(content), *digests, row.backup_id),
        )


class TestPostgresql15(DamageContract):
    """PostgreSQL 15."""

    @pytest.fixture
    def place(self, servers: Servers) -> Place:
        return ServerPlace(servers.shared("postgresql_15"))


class TestMariadb(DamageContract):
    """MariaDB."""

    @pytest.fixture
    def place(self, servers: Servers) -> Place:
        return ServerPlace(servers.shared("mariadb"))


class TestMysql(DamageContract):
    """MySQL."""

    @pytest.fixture
    def place(self, servers: Servers) -> Place:
        return ServerPlace(servers.shared("mysql"))


class TestSqlite(DamageContract):
    """SQLite."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return SqlitePlace(tmp_path / "data")
