"""A tool is what its `--version` says it is, wherever it was found and whatever it is called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vya_backup.engines.tools import ToolSpec
from vya_backup.transport.tools import family_of, find_client, version_of

BANNERS = {
    "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)": ("postgresql", (15, 18)),
    "pg_dump (PostgreSQL) 18beta1": ("postgresql", (18,)),
    "psql (PostgreSQL) 9.6.24": ("postgresql", (9, 6, 24)),
    "mariadb-dump  Ver 10.19 Distrib 10.11.14-MariaDB, for debian-linux-gnu (x86_64)": ("mariadb", (10, 11, 14)),
    "mysqldump  Ver 10.19 Distrib 10.6.18-MariaDB, for Linux (x86_64)": ("mariadb", (10, 6, 18)),
    "mariadb-dump from 11.8.3-MariaDB, client 10.19 for debian-linux-gnu (x86_64)": ("mariadb", (11, 8, 3)),
    "/usr/bin/mariadb-dump from 11.4.2-MariaDB, client 10.19 for Linux": ("mariadb", (11, 4, 2)),
    "mysqldump  Ver 9.7.0 for Linux on x86_64 ((Debian))": ("mysql", (9, 7, 0)),
    "mysqldump  Ver 8.0.35-27 for Linux on x86_64 (Percona Server (GPL))": ("mysql", (8, 0, 35)),
    "mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)": ("mysql", (5, 7, 44)),
    "sqlite 3.40.1": ("sqlite", (3, 40, 1)),
    "3.40.1 2022-12-28 14:03:47 df5c253c0b3dd24916e4ec7cf77d3db5": ("", (3, 40, 1)),
    "usage: nothing of the kind": ("", ()),
}


@pytest.mark.parametrize("banner", BANNERS)
def test_a_banner_tells_family_and_release(banner: str) -> None:
    """MariaDB's protocol version is not its release, and a tool called mysqldump may be MariaDB's."""
    assert (family_of(banner), version_of(banner)) == BANNERS[banner]


def program(folder: Path, name: str, body: str) -> Path:
    """Write a small program."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_all_are_found_the_newest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PATH, versioned folders and configured ones are all looked at; one file under two names is one tool."""
    on_path = program(tmp_path / "path", "pg_dump", "echo 'pg_dump (PostgreSQL) 15.1'")
    versioned = program(tmp_path / "pg" / "17" / "bin", "pg_dump", "echo 'pg_dump (PostgreSQL) 17.2'")
    configured = program(tmp_path / "own", "pg_dump", "echo 'pg_dump (PostgreSQL) 9.6.3'")
    (tmp_path / "path" / "pg_dump_again").symlink_to(on_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}{os.pathsep}{os.environ['PATH']}")
    spec = ToolSpec(("pg_dump", "pg_dump_again"), (f"{tmp_path}/pg/*/bin",))
    mine = [client for client in find_client(spec, (tmp_path / "own",)) if client.path.is_relative_to(tmp_path)]
    assert [(client.path, client.version) for client in mine] == [
        (versioned, (17, 2)),
        (on_path, (15, 1)),
        (configured, (9, 6, 3)),
    ]


@pytest.mark.parametrize("body", ["exit 1", "echo no version here", "echo 'pg_dump (PostgreSQL) 15.1'; exit 1"])
def test_what_cannot_tell_its_version_is_left_out(tmp_path: Path, body: str) -> None:
    """A broken installation is as good as none."""
    program(tmp_path, "odd_dump", body)
    assert find_client(ToolSpec(("odd_dump",)), (tmp_path,)) == ()


def test_a_file_is_asked_once_until_it_changes(tmp_path: Path) -> None:
    """A thousand databases need one look; an upgrade in between is noticed."""
    body = f"echo asked >> {tmp_path}/log; echo 'my_dump  Ver 8.0.1 for Linux'"
    spec = ToolSpec(("my_dump",))
    program(tmp_path, "my_dump", body)
    assert find_client(spec, (tmp_path,)) == find_client(spec, (tmp_path,))
    assert (tmp_path / "log").read_text() == "asked\n"
    program(tmp_path, "my_dump", body.replace("8.0.1", "8.0.36"))
    assert find_client(spec, (tmp_path,))[0].version == (8, 0, 36)
