"""Evidence of a real project, made by the command, and verified where nothing of the project is known."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.evidence import contents, forged, unpacked
from tests.project import CONFIGURATION, Outcome, Project, new_project

NOBODY = 65534
PYTHON = shutil.which("python3", path="/usr/bin:/bin") or str(Path(sys.executable).resolve())
"""The system's, which every account may run, where there is one."""
OTHER: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


@dataclass(frozen=True)
class Case:
    """A project with some history, and the keys of three people."""

    project: Project
    keys: Path
    since: str
    until: str

    def configure(self, evidence: str = "") -> None:
        """Configure who signs."""
        self.project.configure(CONFIGURATION + (f"evidence: {{{evidence}}}\n" if evidence else ""))

    def make(self, target: Path, *more: str) -> Outcome:
        """Run the command."""
        return self.project.run("evidence", "--from", self.since, "--to", self.until, "--output", str(target), *more)

    def public(self, name: str) -> Path:
        """Return the file of a public key."""
        return self.keys / f"{name}.pub"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Backups of two databases, one that fails, a hold and a restore, all with the product's own commands."""
    folder = tmp_path_factory.mktemp("case")
    project = new_project(folder, CONFIGURATION)
    project.execute("shop", "CREATE TABLE item (name TEXT)", "INSERT INTO item VALUES ('a thing')")
    project.execute("crm", "CREATE TABLE person (name TEXT)")
    since = str(datetime.now(UTC).date())
    assert project.run("backup").status == 0
    project.database("broken").write_bytes(b"SQLite format 3\0 and no more")
    assert project.run("backup").status == 1
    backup = project.events("type = 'checksummed'")[0]["backup_id"]
    assert project.run("hold", "--backup", backup, "--reason", "for the auditors").status == 0
    assert project.run("restore:local/shop", "--to", "copy", "--yes").status == 0
    keys = folder / "keys"
    keys.mkdir(mode=0o700)
    for name in ("host", "office"):
        key, public = keys / f"{name}.pem", keys / f"{name}.pub"
        for words in (
            ["genpkey", "-algorithm", "ed25519", "-out", key],
            ["pkey", "-in", key, "-pubout", "-out", public],
        ):
            subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
        key.chmod(0o600)
    until = str((datetime.now(UTC) + timedelta(days=1)).date())
    return Case(project, keys, since, until)


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """An empty folder of another account, on a machine that never heard of the project."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def verify(evidence: Path, elsewhere: Path, *more: str) -> tuple[int, str]:
    """Give the file to an auditor, and let him do what its README says."""
    given = elsewhere / "given.zip"
    shutil.copy(evidence, given)
    given.chmod(0o644)
    own = elsewhere / "own"
    own.mkdir(exist_ok=True)
    program = elsewhere / "verify.py"
    with zipfile.ZipFile(evidence) as file:
        program.write_bytes(file.read("verify.py"))
    done = subprocess.run(
        [PYTHON, "-I", "-S", str(program), str(given), *more],
        cwd=own,
        env={},
        capture_output=True,
        text=True,
        check=False,
        **OTHER,
    )
    assert not list(own.iterdir())
    return done.returncode, done.stdout + done.stderr


def test_it_is_verified_by_its_own_program_without_the_project(case: Case, tmp_path: Path, elsewhere: Path) -> None:
    """Signed by the backup host's own key, which both the page and the program say."""
    case.configure(f"signing_key: {case.keys}/host.pem")
    target = tmp_path / "e.zip"
    done = case.make(target)
    assert done.status == 0, done.said
    assert "which it says" in done.out
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    public = shutil.copy(case.public("host"), elsewhere / "host.pub")
    Path(public).chmod(0o644)
    status, said = verify(target, elsewhere, "--key", str(public))
    assert (status, said.splitlines()[-1]) == (0, "VERIFIED"), said
    assert "a key that lies on the backup host itself" in said
    assert "not kept off that host" in contents(target)["report.html"].decode()


def test_it_tells_what_happened(case: Case, tmp_path: Path) -> None:
    """The backups, the failure, the hold and the restore; and every head that sidecars and copies remember."""
    case.configure()
    done = case.make(tmp_path / "e.zip")
    assert done.status == 0, done.said
    members = contents(tmp_path / "e.zip")
    told = json.loads(members["evidence.json"])
    assert told["audit"]["ok"]
    rows = {answer["file"]: answer["rows"] for answer in told["answers"]}
    assert rows["answers/holds.csv"] == 1
    assert rows["answers/restores_made.csv"] == 1
    assert rows["answers/failures_mended.csv"] >= 1
    assert rows["answers/coverage.csv"] >= 2
    assert rows["answers/history.csv"] == len(case.project.events())
    heads = members["heads.csv"].decode().splitlines()[1:]
    assert [line for line in heads if ".metadata.json," in line]
    assert [line for line in heads if ".jsonl," in line]
    assert all(line.endswith(",yes") for line in heads)
    page = members["report.html"].decode()
    assert "for the auditors" in page
    assert "local/shop" in page


def test_it_is_signed_elsewhere(case: Case, tmp_path: Path, elsewhere: Path) -> None:
    """The better way: the backup host has the public half alone."""
    case.configure(f"public_key: {case.public('office')}")
    made, signed = tmp_path / "made.zip", tmp_path / "signed.zip"
    assert "Not signed yet" in case.make(made).out
    status, said = verify(made, elsewhere)
    assert (status, "it is not signed, though" in said) == (1, True), said
    wrong = case.project.run("evidence", "sign", str(made), "--key", f"{case.keys}/host.pem", "--output", str(signed))
    assert (wrong.status, "is to be signed by the key" in wrong.err) == (3, True), wrong.said
    office = ("--key", f"{case.keys}/office.pem", "--output", str(signed))
    done = case.project.run("evidence", "sign", str(made), *office)
    assert done.status == 0, done.said
    status, said = verify(signed, elsewhere)
    assert (status, said.splitlines()[-1]) == (0, "VERIFIED"), said
    again = case.project.run("evidence", "sign", str(made), *office)
    assert again.status == 1
    assert "exists, and is never replaced" in again.err


def test_openssl_accepts_the_signature(case: Case, tmp_path: Path) -> None:
    """Whoever does not trust the program verifies it with another."""
    case.configure(f"signing_key: {case.keys}/host.pem")
    assert case.make(tmp_path / "e.zip").status == 0
    folder = unpacked(tmp_path / "e.zip", tmp_path / "e")
    signature = (folder / "SHA256SUMS.sig").read_text().split()[-1]
    (tmp_path / "raw").write_bytes(bytes.fromhex(signature))
    words = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", case.public("host")]
    words += ["-in", folder / "SHA256SUMS", "-sigfile", tmp_path / "raw"]
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)


def test_a_changed_file_fails_with_another_account_too(case: Case, tmp_path: Path, elsewhere: Path) -> None:
    """One byte of the report; an event that is gone; and no proof of the key that was promised."""
    case.configure()
    target = tmp_path / "e.zip"
    assert case.make(target).status == 0
    changed = bytearray(target.read_bytes())
    changed[changed.index(b"Evidence of backups")] ^= 1
    (tmp_path / "changed.zip").write_bytes(changed)

    def without_failures(members: dict[str, bytes]) -> dict[str, bytes]:
        return members | {"answers/failures_mended.csv": b"at\n"}

    forged(target, tmp_path / "forged.zip", without_failures)
    for name in ("changed.zip", "forged.zip"):
        status, said = verify(tmp_path / name, elsewhere)
        assert (status, said.startswith("FAILED: ")) == (1, True), said
    status, said = verify(target, elsewhere, "--key", "0" * 64)
    assert (status, "it is not signed, though" in said) == (1, True), said


def test_a_file_that_exists_is_never_replaced(case: Case, tmp_path: Path) -> None:
    """It may be the evidence of last year."""
    case.configure()
    target = tmp_path / "e.zip"
    target.write_text("of last year")
    done = case.make(target)
    assert done.status == 1
    assert "exists, and is never replaced" in done.err
    assert target.read_text() == "of last year"
    assert [path.name for path in tmp_path.iterdir()] == ["e.zip"]


def test_a_key_that_others_may_read_signs_nothing(case: Case, tmp_path: Path) -> None:
    """It could have been copied."""
    loose = shutil.copy(case.keys / "host.pem", tmp_path / "loose.pem")
    Path(loose).chmod(0o644)
    case.configure(f"signing_key: {loose}")
    done = case.make(tmp_path / "e.zip")
    assert done.status == 3
    assert "others may read it" in done.err
    assert not (tmp_path / "e.zip").exists()


def test_what_is_no_key_is_refused_with_the_way_to_make_one(case: Case, tmp_path: Path) -> None:
    """Before anything is gathered."""
    other = case.keys / "rsa.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "x25519", "-out", str(other)], check=True, capture_output=True)
    other.chmod(0o600)
    for setting in (f"signing_key: {other}", f"signing_key: {case.public('host')}", f"public_key: {other}"):
        case.configure(setting)
        if setting.endswith(".pub"):
            case.public("host").chmod(0o600)
        done = case.make(tmp_path / "e.zip")
        assert done.status == 3, setting
        assert "openssl genpkey -algorithm ed25519" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "2026-01-01", "--output", "e.zip"], "--from is missing"),
        (["--from", "2026-01-01", "--to", "2026-01-01"], "--output is missing"),
        (["--from", "soon", "--to", "2026-01-01", "--output", "e.zip"], "is no time"),
        (["sign", "--output", "e.zip"], "needs a file and a key"),
        (["verify", "e.zip"], "does not take verify"),
    ],
)
def test_what_is_missing_is_named(case: Case, words: list[str], said: str) -> None:
    """Usage errors end with 3."""
    case.configure()
    done = case.project.run("evidence", *words)
    assert (done.status, said in done.err) == (3, True), done.said


def test_a_copy_of_the_catalog_is_enough(case: Case, tmp_path: Path, elsewhere: Path) -> None:
    """On a machine that makes no backups; the copy is only read."""
    case.configure()
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(case.project.catalog)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    copy.chmod(0o400)
    before = copy.read_bytes()
    done = case.make(tmp_path / "e.zip", "--catalog", str(copy))
    assert done.status == 0, done.said
    assert copy.read_bytes() == before
    status, said = verify(tmp_path / "e.zip", elsewhere)
    assert (status, said.splitlines()[-1]) == (0, "VERIFIED"), said
    assert "without a fault" in contents(tmp_path / "e.zip")["report.html"].decode()


def test_a_catalog_that_was_tampered_with_is_said_to_be(case: Case, tmp_path: Path) -> None:
    """By a sidecar that remembers another head than the catalog has: the page says so, and the command fails."""
    case.configure()
    sidecar = next((case.project.folder / "backups").rglob("shop_*.metadata.json"))
    written = sidecar.read_text()
    head = json.loads(written)["chain"]["hash"]
    sidecar.write_text(written.replace(head, "f" * 64))
    done = case.make(tmp_path / "e.zip")
    sidecar.write_text(written)
    assert done.status == 1, done.said
    assert "FAULT" in done.out
    members = contents(tmp_path / "e.zip")
    assert "THE CATALOG IS NOT INTACT" in members["report.html"].decode()
    assert not json.loads(members["evidence.json"])["audit"]["ok"]
    assert [line for line in members["heads.csv"].decode().splitlines() if line.endswith(",no")]
