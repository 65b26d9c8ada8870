"""Logs: one line per event, private, without secrets, and never in the way."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vya_backup import log
from vya_backup.log import Destination
from vya_backup.redaction import Secret


@pytest.fixture(autouse=True)
def _silent_again() -> Iterator[None]:
    yield
    log.configure(None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's log goes; neither file nor folder exist yet."""
    return tmp_path / "log" / "app.log"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_is_one_json_line_with_time_level_and_facts(path: Path) -> None:
    """Machines read it line by line."""
    log.configure(Destination(file_path=path))

    log.event("dumped", database="prod/shop", size_bytes=42, gaps=["view\nbroken"])

    (line,) = lines(path)
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "dumped",
        "level": "info",
        "database": "prod/shop",
        "size_bytes": 42,
        "gaps": ["view\nbroken"],
    }


def test_a_text_line_can_be_read_by_people(path: Path) -> None:
    """The same facts, without braces and colours."""
    log.configure(Destination(format="text", file_path=path))

    log.event("dumped", level="warning", database="prod/shop")

    (line,) = path.read_text().splitlines()
    assert "warning" in line
    assert "dumped" in line
    assert "database=prod/shop" in line
    assert "\x1b" not in line


def test_what_is_below_the_level_is_not_written(path: Path) -> None:
    """DEBUG shows all, ERROR only what failed."""
    log.configure(Destination(level="WARNING", file_path=path))

    for level in ("debug", "info", "warning", "error", "critical"):
        log.event("happened", level=level)  # type: ignore[arg-type]

    assert [line["level"] for line in lines(path)] == ["warning", "error", "critical"]


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("secret", ["pa$$ 'w\"ö\\rd", "correct horse"])
def test_no_secret_is_ever_written(path: Path, form: str, secret: str) -> None:
    """Not in a value, a list, a mapping, an object's text, the event's name or a traceback."""
    hidden = Secret(secret)
    log.configure(Destination(format=form, file_path=path))

    try:
        raise ValueError(f"login with {secret} failed")
    except ValueError as error:
        log.event(f"tried {secret}", url=f"db://u:{secret}@h", argv=[secret], env={"P": secret}, error=error, it=hidden)
        log.event("failed", exc_info=True)

    text = path.read_text()
    assert "******" in text
    assert "Traceback" in text
    for spelling in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]):
        assert spelling not in text


def test_user_names_are_masked(path: Path) -> None:
    """Three letters tell accounts apart and are no login."""
    log.configure(Destination(file_path=path))

    log.event("connected", user="administrator", login={"username": "backup"})

    assert lines(path)[0]["user"] == "adm***"
    assert lines(path)[0]["login"] == {"username": "bac***"}


def test_the_file_is_private(path: Path) -> None:
    """Also when it was made by somebody with a wide umask."""
    path.parent.mkdir()
    path.touch(0o644)
    log.configure(Destination(file_path=path))

    log.event("dumped")

    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_rotated_away_is_opened_anew(path: Path) -> None:
    """logrotate moves it; no signal is needed."""
    log.configure(Destination(file_path=path))
    log.event("one")
    path.rename(path.with_suffix(".1"))

    log.event("two")

    assert [line["event"] for line in lines(path.with_suffix(".1"))] == ["one"]
    assert [line["event"] for line in lines(path)] == ["two"]


def test_both_means_file_and_standard_error(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output belongs to the command."""
    log.configure(Destination(outputs=frozenset({"console", "file"}), file_path=path))

    log.event("dumped")

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == path.read_text()


def test_a_log_that_cannot_be_written_is_told_once_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A backup matters more than its log."""
    (tmp_path / "file").touch()
    log.configure(Destination(file_path=tmp_path / "file" / "app.log"))

    log.event("one")
    log.event("two")

    assert capsys.readouterr().err.count("cannot be written") == 1


def test_nothing_is_loaded_before_the_first_event_is_written() -> None:
    """structlog costs more than all of `doit list`."""
    program = (
        "import sys; from vya_backup import log; log.event('dropped');"
        "log.configure(log.Destination(level='ERROR', outputs=frozenset({'console'}))); log.event('too small');"
        "assert 'structlog' not in sys.modules; log.event('big', level='error'); assert 'structlog' in sys.modules"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr)["event"] == "big"
