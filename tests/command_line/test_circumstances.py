"""What a run leaves in the catalog of its circumstances: what it was told, and the room that was left."""

from __future__ import annotations

from tests.acceptance.trouble import change
from tests.project import Project


def test_a_run_records_the_configuration_when_it_changed_and_the_room_each_time(project: Project) -> None:
    """Scope, schedule and retention stand in the history that they explain; no address and no path does."""
    for _ in range(2):
        assert project.run("backup", "--force").status == 0
    change(project, storage={"retention": {"daily_keep": 3, "overrides": [{"databases": ["local/*"], "keep_last": 2}]}})
    assert project.run("backup", "--force").status == 0

    told = [event["data"] for event in project.events("type = 'configured'")]
    assert [one["retention"]["daily_keep"] for one in told] == [7, 3]
    assert told[0]["instances"][0].keys() == {"id", "type", "enabled", "databases", "exclude_databases", "users"}
    assert [one["overrides"] for one in told] == [[], [{"databases": ["local/*"], "keep_last": 2}]]
    assert str(project.folder) not in str(told)
    ends = [event["data"]["room"] for event in project.events("type = 'run_finished'")]
    assert len(ends) == 3
    assert all(0 < room["free_bytes"] < room["total_bytes"] for room in ends)
