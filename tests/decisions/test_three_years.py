"""Three simulated years of nightly backups, pruned after each night, drawn as a calendar."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/retention_calendar.py"
PICTURES = Path(__file__).with_name("pictures")


def test_three_years_of_nights_keep_every_promise_and_look_as_drawn(pytestconfig: pytest.Config) -> None:
    """With `--long` a hundred databases, else ten: the script itself checks the promises after each of the nights."""
    databases = 100 if pytestconfig.getoption("--long") else 10

    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--databases", str(databases)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == (PICTURES / f"{databases}_databases.txt").read_text()
    assert "broken promises: 0" in done.stdout


def test_a_broken_promise_is_counted() -> None:
    """The check of the simulation sees a policy that keeps nothing of what was promised."""
    code = (
        "import sys; sys.argv[1:] = ['--databases', '1', '--years', '0.3']; "
        f"sys.path.insert(0, {str(SCRIPT.parent)!r}); import retention_calendar as r; real = r.decide; "
        "r.decide = lambda rows, policy, *rest: real(rows, r.replace(policy, daily=3), *rest); sys.exit(r.main())"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "broken promises: 0" not in done.stdout
