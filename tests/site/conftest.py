"""The site as auditors meet it: a process of another account, on a copy in a folder that this account may not write."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from datasette_auth_passwords.utils import hash_password

from tests.samples.long_history import long_history
from vya_backup.clock import monotonic, nap

COMMAND = "import sys; from vya_backup.command_line.main import main; sys.exit(main())"
PATIENCE_SECONDS = 60
WORD = "a long enough word"
CLIENT = httpx.Client(timeout=PATIENCE_SECONDS, verify=False, cookies=None)


@dataclass(frozen=True)
class RunningSite:
    """A site that answers at `address`, and the copy that it shows."""

    address: str
    copy: Path
    process: subprocess.Popen[str]

    def get(self, path: str, **more: object) -> httpx.Response:
        """Ask for a page; redirects are not followed."""
        return CLIENT.get(self.address + path, **more)  # type: ignore[arg-type]

    @property
    def user(self) -> str:
        """Return the account that the process runs as."""
        uids = next(
            line for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines() if "Uid:" in line
        )
        return pwd.getpwuid(int(uids.split()[2])).pw_name


def as_another_account() -> list[str]:
    """Return what stands before a command to run it as `nobody`; whoever is not root can only be itself.

    It may read whatever there is, because Python itself may lie in a folder of root's, and write nothing.
    """
    if os.geteuid() != 0:
        return []
    may_read = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
    return ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", *may_read, "--"]


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def open_folder(prefix: str) -> Iterator[Path]:
    """Give a folder that everybody may enter and only this account may write."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def hand_over(copy: Path) -> None:
    """Let the group of the site's account read a file, and nobody else."""
    if os.geteuid() == 0:
        shutil.chown(copy, "root", "nogroup")
    copy.chmod(0o640)


@contextmanager
def serving(copy: Path, *, configuration: str = "", **environment: str) -> Iterator[RunningSite]:
    """Run `catalog serve` as another account until the block is left."""
    port, words = free_port(), ("catalog", "serve")
    with open_folder("vya-site-home-") as home:
        config = home / "config.yaml"
        config.write_text(configuration or "site: {}\n")
        config.chmod(0o644)
        process = subprocess.Popen(
            [*as_another_account(), sys.executable, "-c", COMMAND, *words, "--catalog", str(copy), "--port", str(port)],
            cwd=home,
            env=os.environ | {"VYA_CONFIG": str(config), "HOME": str(home)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running = RunningSite(f"http://127.0.0.1:{port}", copy, process)
        try:
            wait_until(lambda: _answers(running))
            yield running
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_SECONDS)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, which has to come true within a minute."""
    limit = monotonic() + PATIENCE_SECONDS
    while not condition():
        assert monotonic() < limit, "it did not come true"
        nap(0.05)


def _answers(running: RunningSite) -> bool:
    assert running.process.poll() is None, running.process.communicate()[0]
    try:
        return running.get("/health/live").status_code == 200
    except httpx.TransportError:
        return False


def last_night() -> datetime:
    """Return a moment whose last day of work is over, at whatever hour the tests run: it is from 05:00 to 12:00 UTC."""
    return datetime.now(UTC) - timedelta(hours=12)


@pytest.fixture(scope="session")
def copy() -> Iterator[Path]:
    """Give a published copy with two months of a few databases in it, up to this moment."""
    with open_folder("vya-site-copy-") as folder:
        made = long_history(folder / "published.db", years=60 / 365, databases=5, until=last_night())
        hand_over(made)
        yield made


@pytest.fixture(scope="session")
def site(copy: Path) -> Iterator[RunningSite]:
    """Give a site on that copy, without a login."""
    with serving(copy) as running:
        yield running


@pytest.fixture(scope="session")
def guarded(copy: Path) -> Iterator[RunningSite]:
    """Give a site with one account, whose hash is in the environment."""
    said = "site: {auditors: [{name: auditor, password_hash_variable: AUDITOR_HASH}]}\n"
    with serving(copy, configuration=said, AUDITOR_HASH=hash_password(WORD, iterations=1000)) as running:
        yield running
