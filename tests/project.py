"""A project folder of its own, and the command as a child process."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import leaks, zygote

CONFIGURATION = """\
application: {hostname: testhost}
instances:
  - {id: local, type: sqlite, path: data/*.db}
storage: {base_path: backups}
scheduling: {timezone: UTC}
"""


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Return both streams."""
        return self.out + self.err


@dataclass(frozen=True)
class Project:
    """A folder with a configuration, its databases and its backups."""

    folder: Path

    def run(self, *words: str, patience_seconds: float = 120, **environment: str) -> Outcome:
        """Run `vya-backupdb` in the folder."""
        everything = os.environ | {"COLUMNS": "80"} | environment
        leaks.learn(self.folder, words)
        done = Outcome(*zygote.run(list(words), self.folder, everything, patience_seconds))
        assert leaks.said(done.out, done.err) == [], "a password was shown"
        return done

    def outcome(self, argv: list[str], patience_seconds: float = 120, **environment: str) -> Outcome:
        """Run any command in the folder, such as `vya-backupdb` below another program."""
        done = subprocess.run(
            argv,
            cwd=self.folder,
            env=os.environ | {"COLUMNS": "80"} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=patience_seconds,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    @staticmethod
    def command(*words: str) -> list[str]:
        """Return the argv of a run."""
        return [str(Path(sys.executable).with_name("vya-backupdb")), *words]

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start `vya-backupdb` in the folder, to be watched, stopped or killed by its pid."""
        return subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def json(self, *words: str) -> Any:
        """Run a looking command with `--json` and return its value."""
        done = self.run(*words, "--json")
        assert done.status == 0, done.said
        return json.loads(done.out)

    def configure(self, text: str) -> None:
        """Replace the configuration."""
        (self.folder / "config/config.yaml").write_text(text)

    def database(self, name: str) -> Path:
        """Return the file of a database."""
        return self.folder / "data" / f"{name}.db"

    @property
    def catalog(self) -> Path:
        """Return the file of the catalog."""
        return self.folder / "catalog/catalog.db"

    def lose_catalog(self) -> None:
        """Remove the file of the catalog, with its log."""
        for suffix in ("", "-wal", "-shm"):
            self.catalog.with_name(self.catalog.name + suffix).unlink(missing_ok=True)

    def execute(self, name: str, *statements: str) -> None:
        """Change a database."""
        with closing(sqlite3.connect(self.database(name))) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, name: str, query: str) -> list[tuple[Any, ...]]:
        """Ask a database."""
        with closing(sqlite3.connect(self.database(name))) as connection:
            return connection.execute(query).fetchall()

    def events(self, condition: str = "1") -> list[dict[str, Any]]:
        """Return the catalog's events, in order, `data` decoded."""
        with closing(sqlite3.connect(self.catalog)) as connection:
            connection.row_factory = sqlite3.Row
            found = connection.execute(f"SELECT * FROM events WHERE {condition} ORDER BY id").fetchall()
        return [dict(row) | {"data": json.loads(row["data"])} for row in found]

    def types(self) -> list[str]:
        """Return the types of all events, in order."""
        return [event["type"] for event in self.events()]

    def files(self, pattern: str = "*") -> list[Path]:
        """Return the files of backups, also hidden ones; the catalog's copies beside them are none."""
        found = (path for path in (self.folder / "backups").rglob(pattern) if path.is_file())
        return sorted(path for path in found if "@catalog" not in path.parts)


def new_project(folder: Path, configuration: str) -> Project:
    """Make the folders and the configuration of a project."""
    (folder / "config").mkdir()
    (folder / "data").mkdir()
    made = Project(folder)
    made.configure(configuration)
    return made
