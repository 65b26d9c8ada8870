"""Opening a catalog: what is created, upgraded and refused, each refusal in one clear line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from tests.history.samples import good, opened, plain
from vya_backup.errors import CatalogError, CatalogMissing
from vya_backup.history import migrations, place, projection
from vya_backup.history.audit import audit
from vya_backup.history.catalog import Catalog
from vya_backup.history.views import restorable


def test_reading_never_creates_a_catalog(tmp_path: Path) -> None:
    """A command that looks finds nothing and leaves nothing."""
    with pytest.raises(CatalogMissing, match=r"there is no catalog .* `doit backup` creates it"):
        Catalog.open(tmp_path / "own" / "catalog.db", host="h", read_only=True)
    assert not (tmp_path / "own").exists()


def test_reading_appends_nothing(catalog: Catalog) -> None:
    """Opened for reading, the one door is shut."""
    reader = Catalog.open(catalog.path, host="h", read_only=True)
    catalog.append(*good())
    assert len(restorable(reader)) == 1
    with pytest.raises(CatalogError, match="opened for reading only"):
        reader.append(*good())


def test_opening_twice_changes_nothing(catalog: Catalog) -> None:
    """The second opening finds the same chain and appends nothing."""
    assert Catalog.open(catalog.path, host="h").head() == catalog.head()


def test_a_creation_that_was_killed_is_finished_by_the_next_opening(tmp_path: Path) -> None:
    """An empty file, or one that only got as far as its journal mode, becomes a catalog."""
    (tmp_path / "own").mkdir(mode=0o700)
    with plain(tmp_path / "own" / "catalog.db") as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    assert opened(tmp_path).head().position == 1


def test_an_older_schema_is_upgraded_with_all_its_history(catalog: Catalog, tmp_path: Path) -> None:
    """A file of schema 1, which had no projection, reads as if it had been written today."""
    catalog.append(*good())
    old = _as_version_1(catalog, tmp_path / "old" / "catalog.db")
    upgraded = Catalog.open(old, host="h")
    assert restorable(upgraded) == restorable(catalog)
    assert upgraded.head() == catalog.head()
    assert audit(upgraded).ok
    with plain(old) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM _sqlite_migrations ORDER BY id")]
    assert names == [file.stem for file in migrations._migration_files()]


def test_an_upgrade_that_fails_leaves_the_old_schema(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All migrations, the projection and the views are one transaction."""
    catalog.append(*good())
    old = _as_version_1(catalog, tmp_path / "old" / "catalog.db")
    before = _schema(old)
    monkeypatch.setitem(projection._STATEMENTS, "checksummed", ("SELECT no_such_function()",))
    with pytest.raises(Exception, match="no_such_function"):
        Catalog.open(old, host="h")
    assert _schema(old) == before
    monkeypatch.undo()
    assert len(restorable(Catalog.open(old, host="h"))) == 1


def test_views_are_made_again_when_their_files_change(catalog: Catalog) -> None:
    """Views are derived: one that someone changed in the file is replaced once the digest no longer fits."""
    with plain(catalog.path) as connection:
        connection.execute("DROP VIEW runs")
        connection.execute("CREATE VIEW leftover AS SELECT 1")
        connection.execute("UPDATE catalog_facts SET value = 'of an older program' WHERE name = 'views'")
    names = [row["name"] for row in Catalog.open(catalog.path, host="h").rows(_VIEWS)]
    expected = "audit_log backups databases drills failures recoveries restorable restores retained runs watched"
    assert names == expected.split()


def test_the_projection_is_made_again_when_its_statements_change(catalog: Catalog) -> None:
    """What an older program projected wrongly is mended by opening the file with this one."""
    catalog.append(*good())
    with plain(catalog.path) as connection:
        connection.execute("UPDATE projected_backups SET state = 'damaged'")
        connection.execute("UPDATE catalog_facts SET value = 'of an older program' WHERE name = 'projection'")

    assert len(restorable(Catalog.open(catalog.path, host="h"))) == 1


_VIEWS = "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name"


def test_a_catalog_that_comes_back_from_a_copy_is_used_like_any_other(catalog: Catalog, tmp_path: Path) -> None:
    """Such a copy has a rollback journal, in which readers would hold up the appends."""
    catalog.append(*good())
    (tmp_path / "back").mkdir(mode=0o700)
    with plain(catalog.path) as connection:
        connection.execute("VACUUM INTO ?", (str(tmp_path / "back" / "catalog.db"),))
    back = Catalog.open(tmp_path / "back" / "catalog.db", host="h")
    assert back.rows("PRAGMA journal_mode")[0][0] == "wal"
    assert back.head() == catalog.head()
    assert audit(back).ok


def test_a_newer_schema_is_refused(catalog: Catalog) -> None:
    """A program of yesterday does not touch the file of tomorrow."""
    with plain(catalog.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    _refused(catalog.path, f"has schema 99, newer than this program's {migrations.schema_version()}")


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    """An SQLite file with tables of someone else is no catalog."""
    with plain(tmp_path / "app.db") as connection:
        connection.execute("CREATE TABLE customers (name)")
    before = (tmp_path / "app.db").read_bytes()
    _refused(tmp_path / "app.db", "is an SQLite database, but not a catalog")
    assert (tmp_path / "app.db").read_bytes() == before


def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Text is no catalog."""
    (tmp_path / "notes.txt").write_text("not a catalog\n" * 500)
    _refused(tmp_path / "notes.txt", "is not an SQLite file, so no catalog")
    assert (tmp_path / "notes.txt").read_text() == "not a catalog\n" * 500


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """catalog.path is a file."""
    (tmp_path / "catalog.db").mkdir()
    _refused(tmp_path / "catalog.db", "cannot be opened: is a directory")


def test_a_damaged_catalog_is_one_clear_line(catalog: Catalog) -> None:
    """Overwritten pages end in an error that names the file, at the latest when they are read."""
    catalog.append(*(event for number in range(50) for event in good(f"b{number}")))
    catalog.close()
    content = bytearray(catalog.path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    catalog.path.write_bytes(content)
    with pytest.raises(CatalogError, match=r"the catalog .*/catalog.db is damaged"):
        audit(Catalog.open(catalog.path, host="h"))


def test_an_account_that_may_not_read_it_is_told_so(tmp_path: Path) -> None:
    """Another account is refused with the reason and the remedy."""
    catalog = opened(tmp_path / "private")
    with _somebody_else(catalog.path.parent):
        _refused(catalog.path, "cannot be opened: permission denied. Run as the account that owns the backups")


@contextmanager
def _somebody_else(folder: Path) -> Iterator[None]:
    """Act as an account that may not enter the folder: as nobody when root, else by closing the folder."""
    if os.geteuid() == 0:
        os.seteuid(65534)
    else:
        folder.chmod(0o000)
    try:
        yield
    finally:
        os.seteuid(os.getuid())
        folder.chmod(0o700)


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """Whoever may put files beside the catalog can lock the backups out."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o770)
    _refused(tmp_path / "shared" / "catalog.db", "other accounts may write into .*chmod 700")
    assert not list((tmp_path / "shared").iterdir())


def test_a_file_that_others_may_read_becomes_private_again(catalog: Catalog) -> None:
    """Modes that were widened are narrowed at the next opening."""
    catalog.path.chmod(0o644)
    Catalog.open(catalog.path, host="h")
    assert catalog.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("magic", "kind"), [(0x6969, "NFS"), (0xFF534D42, "CIFS"), (0x01021997, "9P")])
def test_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, magic: int, kind: str
) -> None:
    """SQLite's shared memory does not work there, so nothing is created."""
    monkeypatch.setattr(place, "file_system_magic", lambda folder: magic)
    _refused(tmp_path / "catalog.db", rf"network file system \({kind}\)")
    assert not list(tmp_path.iterdir())


def test_the_kernel_says_what_a_file_system_is() -> None:
    """statfs(2) is asked: /proc has the magic number that linux/magic.h gives it, and is no network."""
    assert place.file_system_magic(Path("/proc")) == 0x9FA0
    assert place.network_file_system(0x9FA0) == ""


def _refused(path: Path, reason: str) -> None:
    with pytest.raises(CatalogError, match=reason) as caught:
        Catalog.open(path, host="h")
    assert "\n" not in str(caught.value)


def _as_version_1(catalog: Catalog, path: Path) -> Path:
    """Write the same history into a file that has only the first migration."""
    path.parent.mkdir(mode=0o700)
    first = Migrations("vya_backup")
    file = migrations._migration_files()[0]
    first(name=file.stem)(migrations._migration(file))
    with plain(path) as connection:
        first.apply(Database(connection))
        connection.execute("ATTACH ? AS today", (str(catalog.path),))
        connection.execute("INSERT INTO events SELECT * FROM today.events ORDER BY id")
        connection.execute("INSERT INTO catalog_facts SELECT * FROM today.catalog_facts WHERE name = 'catalog_id'")
        connection.execute("CREATE VIEW backups AS SELECT * FROM events")
    return path


def _schema(path: Path) -> list[tuple[str, ...]]:
    with plain(path) as connection:
        return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
