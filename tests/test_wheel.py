"""What is installed from a wheel works in any folder, and lacks nothing that the checkout has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.project import CONFIGURATION, Project, new_project

CHECKOUT = Path(__file__).parents[1]
SHIPPED = ("catalog", "config")
ASKED = """\
import json, sys
from vya_backup.resources import resource
found = {}
for name in json.load(sys.stdin):
    try:
        found[name] = str(resource(name))
    except FileNotFoundError:
        found[name] = ""
print(json.dumps(found))
"""


def shipped() -> list[str]:
    """Return every file below the folders that ship, but what running in the checkout has made there."""
    files = [path.relative_to(CHECKOUT) for folder in SHIPPED for path in (CHECKOUT / folder).rglob("*")]
    made = re.compile(r"config/config\.yaml|catalog/[^/]*\.db|catalog/state/|.*__pycache__")
    return [str(path) for path in sorted(files) if (CHECKOUT / path).is_file() and not made.match(str(path))]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it alone; what it depends on is lent by the environment of the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=CHECKOUT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv/bin/python"
    words = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run([*words, "--disable-pip-version-check"], check=True, capture_output=True)
    (packages,) = (folder / "venv/lib").glob("python*/site-packages")
    # A path in here is searched last, and its own .pth files are not read: the checkout does not shine through.
    (packages / "lent.pth").write_text(f"{next(p for p in sys.path if p.endswith('site-packages'))}\n")
    return folder / "venv"


def test_every_file_that_ships_is_found(installed: Path, tmp_path: Path) -> None:
    """A folder that is forgotten in `pyproject.toml` fails here."""
    names = shipped()
    assert "config/config.example.yaml" in names
    argv, asked = [str(installed / "bin/python"), "-c", ASKED], json.dumps(names)

    done = subprocess.run(argv, input=asked, cwd=tmp_path, capture_output=True, text=True, check=True)

    found = json.loads(done.stdout)
    assert [name for name in names if not found[name].startswith(str(installed))] == []


def test_it_backs_up_from_any_folder(installed: Path, tmp_path: Path) -> None:
    """With the configuration that it is told of, and none of the checkout's files."""
    project = new_project(tmp_path, CONFIGURATION)
    project.execute("shop", "CREATE TABLE item (id INTEGER)")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    program, settings = str(installed / "bin/vya-backupdb"), {"VYA_CONFIG": str(tmp_path / "config/config.yaml")}

    done = Project(elsewhere).outcome([program, "backup"], **settings)

    assert done.status == 0, done.said
    assert {event["type"] for event in project.events()} >= {"checksummed"}
    assert list(elsewhere.iterdir()) == []
