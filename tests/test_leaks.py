"""The search for passwords finds them, in every form and in every kind of file that the program writes."""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from tests import leaks
from tests.project import CONFIGURATION, new_project

PASSWORD = "pâss wörd'\"\\#=%42"


@pytest.mark.parametrize("before", ["", "u:", "user:"])
@pytest.mark.parametrize("after", ["", "@", "@h", "@host"])
def test_a_password_in_base64_is_found_wherever_it_stands(before: str, after: str) -> None:
    """Each place in a text makes another spelling."""
    packed = base64.b64encode(f"{before}{PASSWORD}{after}".encode())
    assert leaks.holds(b"Authorization: Basic " + packed, (PASSWORD,))
    assert leaks.holds(base64.urlsafe_b64encode(f"{before}{PASSWORD}{after}".encode()), (PASSWORD,))


@pytest.mark.parametrize(
    "text", [PASSWORD, quote(PASSWORD, safe=""), json.dumps({"p": PASSWORD}), repr(PASSWORD), PASSWORD.encode().hex()]
)
def test_a_password_is_found_in_each_of_its_forms(text: str) -> None:
    """As it is, in a URL, in JSON, in Python, in hexadecimal."""
    assert leaks.holds(b"x" + text.encode() + b"y", (PASSWORD,))
    assert not leaks.holds(b"x" + text.encode() + b"y", ("another password",))


def test_the_passwords_of_services_are_searched_for_too(tmp_path: Path) -> None:
    """A mail server's account is as secret as a database's."""
    project = new_project(tmp_path, CONFIGURATION)
    plain = tmp_path / "plain.json"
    smtp = {"id": "smtp", "username": "u", "password": PASSWORD}
    plain.write_text(json.dumps({"version": "1.0", "databases": [], "services": [smtp]}))
    assert project.run("credentials", "encrypt", "--input", str(plain)).status == 0
    leaked = tmp_path / "leaked"
    leaked.write_text(PASSWORD)
    assert leaks.left() == [str(leaked)]
    leaked.unlink()


@pytest.mark.parametrize(
    "place",
    [
        "catalog/state/vya_backup.log",
        "catalog/catalog.db",
        "catalog/catalog.db-wal",
        "out/node.prom",
        "units/x.service",
    ],
)
def test_a_leak_into_a_file_fails_the_test(tmp_path: Path, place: str) -> None:
    """What the program was given through its own command is searched for in whatever it wrote."""
    project = new_project(tmp_path, CONFIGURATION)
    entry = {"id": "local", "username": "u", "password": PASSWORD}
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps({"version": "1.0", "databases": [entry]}))
    assert project.run("credentials", "encrypt", "--input", str(plain)).status == 0
    assert leaks.left() == []  # the store, and the plain input, which is the test's

    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    if place.endswith(".db"):
        with closing(sqlite3.connect(path)) as catalog, catalog:
            catalog.execute("CREATE TABLE events (data)")
            catalog.execute("INSERT INTO events VALUES (?)", (json.dumps({"message": PASSWORD}),))
    else:
        path.write_text(f"login with {quote(PASSWORD)} failed\n")
    assert leaks.left() == [str(path)]
    path.unlink()


def test_a_leak_into_a_packed_file_is_found(tmp_path: Path) -> None:
    """Evidence, and the snapshots of the catalog."""
    packed, snapshot = tmp_path / "2026.zip", tmp_path / "snapshot-1.sqlite.gz"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("events.csv", "x" * 1000 + PASSWORD)
    snapshot.write_bytes(gzip.compress(b"x" * 1000 + PASSWORD.encode()))
    assert any(leaks.map_holds(packed, (PASSWORD,)))
    assert any(leaks.map_holds(snapshot, (PASSWORD,)))
    assert list(leaks.ours(tmp_path)) == [packed, snapshot]


def test_dumps_and_what_tests_wrote_are_not_searched(tmp_path: Path) -> None:
    """They may hold anything."""
    for place in ("data/shop.db", "config/config.yaml", "backups/h/i/d/d.sql.gz"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PASSWORD)
    assert list(leaks.ours(tmp_path)) == []
    assert leaks.said("all is well", "") == []
