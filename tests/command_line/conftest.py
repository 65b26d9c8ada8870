"""A project with two SQLite databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import CONFIGURATION, Project, new_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with the databases `shop` and `crm`."""
    made = new_project(tmp_path, CONFIGURATION)
    made.execute("shop", "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
    made.execute("shop", *(f"INSERT INTO item (name) VALUES ('thing {n}')" for n in range(500)))
    made.execute("crm", "CREATE TABLE person (name TEXT)", "INSERT INTO person VALUES ('Ada')")
    return made
