"""PostgreSQL: the sample databases survive the loss of their server's content, and a move to another server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines.postgresql import drive
from tests.samples import building
from tests.servers import PostgresqlServer
from vya_backup.decisions.manifest import differences

Build = Callable[[PostgresqlServer, str], None]
SAMPLES: dict[str, Build] = {"harbour": building.build_postgresql}
if (building.SHARED / "pagila").is_dir():
    SAMPLES["pagila"] = building.build_pagila


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_lost_sample_comes_back_line_by_line(server: PostgresqlServer, sample: str, tmp_path: Path) -> None:
    """Objects, rows, sequences, grants and properties, under its old name."""
    SAMPLES[sample](server, sample)
    try:
        taken = drive.dump(server, sample, tmp_path / "dump")
        server.drop_database(sample)

        drive.restore(taken, drive.request_for(taken, server, sample))

        again = drive.dump(server, sample, tmp_path / "again")
        assert sorted(drive.lines(again)) == sorted(drive.lines(taken))
        assert again.survey.properties == taken.survey.properties
        assert again.survey.objects == taken.survey.objects
        assert differences(taken.manifest, again.manifest) == []
    finally:
        server.drop_database(sample)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_moves_to_a_newer_server(
    postgresql_15: PostgresqlServer, postgresql_18: PostgresqlServer, sample: str, tmp_path: Path
) -> None:
    """Once its roles are there; nothing is missing, and every row and sequence is as it was."""
    SAMPLES[sample](postgresql_15, sample)
    try:
        taken = drive.dump(postgresql_15, sample, tmp_path / "dump")
        for name in taken.needs.roles:
            if not postgresql_18.sql("SELECT 1 FROM pg_roles WHERE rolname = %s", parameters=[name]):
                quoted = name.replace('"', '""')
                postgresql_18.sql(f'CREATE ROLE "{quoted}"')

        request = drive.request_for(taken, postgresql_18, "moved")
        assert [finding for finding in drive.findings(request) if finding.blocks] == []
        drive.restore(taken, request)

        assert drive.asked(postgresql_18, "moved")[1].objects == taken.survey.objects
    finally:
        postgresql_15.drop_database(sample)
        postgresql_18.drop_database("moved")
