"""Which files of an instance are databases, and what they are called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines.sqlite.drive import access_to, fresh_engine, names
from vya_backup.engines.sqlite import files
from vya_backup.errors import StorageFailed

Make = Callable[..., Path]


def found(path: Path | str) -> dict[str, str]:
    return names(fresh_engine(), access_to(path))


def test_a_database_is_named_after_its_file_without_the_suffix(make: Make, tmp_path: Path) -> None:
    """The name stays short while it is unique."""
    make("shop.db"), make("crm.sqlite"), make("plain")

    assert found(tmp_path) == {"crm": "", "plain": "", "shop": ""}


def test_equal_stems_are_told_apart_by_the_suffix(make: Make, tmp_path: Path) -> None:
    """`shop` alone would mean either."""
    make("shop.db"), make("shop.sqlite"), make("crm.db")

    assert set(found(tmp_path)) == {"crm", "shop.db", "shop.sqlite"}


def test_a_stem_never_takes_the_name_of_another_file(make: Make, tmp_path: Path) -> None:
    """`shop.db.db` without its suffix would be called like `shop.db`."""
    make("shop.db"), make("shop.sqlite"), make("shop.db.db")

    assert set(found(tmp_path)) == {"shop.db", "shop.sqlite", "shop.db.db"}


def test_equal_files_of_several_folders_are_told_apart_by_their_path(make: Make, tmp_path: Path) -> None:
    """A glob may reach into many folders."""
    make("a/app.db"), make("b/app.db"), make("b/other.db")

    assert set(found(tmp_path / "*" / "*.db")) == {"a/app.db", "b/app.db", "other"}


def test_two_stars_reach_every_depth(make: Make, tmp_path: Path) -> None:
    """As in a shell with globstar."""
    make("top.db"), make("a/low.db")
    (tmp_path / "a" / "b").mkdir()
    make("a/b/lowest.db")

    assert set(found(tmp_path / "**" / "*.db")) == {"top", "low", "lowest"}


def test_one_file_is_an_instance_of_one_database(make: Make) -> None:
    """The path names it, whatever lies beside it."""
    path = make("shop.db")
    make("other.db")

    assert found(path) == {"shop": ""}


def test_brackets_in_a_real_path_are_no_glob(make: Make, tmp_path: Path) -> None:
    """A folder may be called `[live]`."""
    path = make("[live]/shop.db")

    assert found(path) == found(path.parent) == {"shop": ""}


def test_companions_hidden_files_and_other_kinds_of_file_are_no_databases(make: Make, tmp_path: Path) -> None:
    """Logs, journals and texts lie in every data folder."""
    make("shop.db")
    for name in ("shop.db-wal", "shop.db-shm", "shop.db-journal", ".hidden.db", "notes.txt"):
        (tmp_path / name).write_bytes(files.MAGIC if name != "notes.txt" else b"text")

    assert found(tmp_path) == {"shop": ""}


def test_a_file_that_claims_to_be_a_database_and_is_none_is_a_problem(make: Make, tmp_path: Path) -> None:
    """An emptied or encrypted database must not drop out of the list in silence."""
    make("shop.db")
    (tmp_path / "lost.db").touch()
    (tmp_path / "crypt.sqlite").write_bytes(b"\x93" * 4096)

    problems = found(tmp_path)

    assert problems["shop"] == ""
    assert "is empty" in problems["lost"]
    assert "not a SQLite database, or is encrypted" in problems["crypt"]


def test_a_file_that_cannot_be_read_is_a_problem_and_renames_nothing(
    make: Make, open_folder: Path, unprivileged: Callable[[], None]
) -> None:
    """The readable one keeps its name beside a stranger's file of the same stem."""
    (open_folder / "shop.db").write_bytes(make("x.db").read_bytes())
    (open_folder / "shop.txt").write_bytes(b"secret")
    (open_folder / "shop.txt").chmod(0)
    unprivileged()

    problems = found(open_folder)

    assert problems["shop"] == ""
    assert "cannot be read: Permission denied" in problems["shop.txt"]


@pytest.mark.parametrize("pattern", ["locked", "locked/*.db", "*/*.db", "**/*.db"])
def test_a_folder_that_cannot_be_read_is_an_error(
    open_folder: Path, unprivileged: Callable[[], None], pattern: str
) -> None:
    """ "Could not look" is not "nothing there"."""
    (open_folder / "locked").mkdir(mode=0o000)
    unprivileged()

    with pytest.raises(StorageFailed, match="locked cannot be read: Permission denied"):
        found(open_folder / pattern)


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """A missing folder is never an empty list."""
    with pytest.raises(StorageFailed, match="gone"):
        found(tmp_path / "gone" / "*.db")


def test_a_file_that_does_not_exist_is_a_problem(tmp_path: Path) -> None:
    """The one database of the instance is known by its path, and it is lost."""
    assert found(tmp_path / "gone.db") == {"gone": "the file cannot be read: No such file or directory"}


def test_an_empty_folder_has_no_databases(tmp_path: Path) -> None:
    """It could be looked at, and there is nothing."""
    assert found(tmp_path) == {}


def test_a_name_that_is_no_text_is_a_problem(make: Make, tmp_path: Path) -> None:
    """Neither the catalog nor a task can carry bytes that are no UTF-8."""
    make("x.db").rename(tmp_path / "caf\udce9.db")

    assert found(tmp_path) == {"caf\\xe9": "the file's name is not UTF-8; rename it"}


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ("shop", "data/shop.db"),
        ("copy", "data/copy.db"),
        ("copy.sqlite", "data/copy.sqlite"),
        ("v1.5", "data/v1.5.db"),
        ("sub/copy.db", "data/sub/copy.db"),
        ("/elsewhere/x.db", "/elsewhere/x.db"),
    ],
)
def test_a_restored_database_goes_beside_its_original(make: Make, tmp_path: Path, database: str, expected: str) -> None:
    """A bare name gets the original's folder and suffix, a path means itself."""
    original = make("data/shop.db")
    original.unlink()

    path = files.target(str(tmp_path / "data" / "*.db"), database, "shop", str(original))

    assert path == tmp_path / expected


def test_a_lost_file_that_is_the_whole_instance_is_restored_to_that_path(tmp_path: Path) -> None:
    """The path of the configuration is the target even when the backup came from another machine."""
    path = files.target(str(tmp_path / "shop.db"), "shop", "shop", "/other/machine/shop.db")

    assert path == tmp_path / "shop.db"


def test_a_backup_of_another_machine_goes_into_the_folder_of_this_instance(tmp_path: Path) -> None:
    """Its recorded folder means nothing here."""
    assert files.target(str(tmp_path), "shop", "shop", "/other/shop.sqlite") == tmp_path / "shop.sqlite"
