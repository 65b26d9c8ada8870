"""The metrics are what the catalog says: their names, their values, and what it costs to ask."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from tests.history.samples import Steps, dumped, good, one_of_each, opened, plain, started
from vya_backup.history.catalog import Catalog
from vya_backup.history.event import Event
from vya_backup.history.events import Abandoned, Drilled, Failed, Released, Verified
from vya_backup.history.restore_events import Restored, RestoreFailed, RestoreStarted
from vya_backup.history.run_events import (
    Configured,
    ConfiguredInstance,
    Discovered,
    DiscoveryFailed,
    Room,
    RunStarted,
)
from vya_backup.outlook import metrics
from vya_backup.resources import resource

AT = datetime(2026, 1, 9, 2, tzinfo=UTC)
INSTANCE = ("database_type", "database_id")
DATABASE = (*INSTANCE, "database_name")
PROMISED = {
    "vya_backup_executions": ("counter", (*INSTANCE, "status")),
    "vya_backup_errors": ("counter", (*INSTANCE, "error_type")),
    "vya_backup_missed": ("counter", ("operation",)),
    "vya_backup_restores": ("counter", (*INSTANCE, "status")),
    "vya_backup_files_processed": ("counter", ("operation", "status")),
    "vya_backup_last_status": ("gauge", INSTANCE),
    "vya_backup_last_timestamp": ("gauge", INSTANCE),
    "vya_backup_last_size_bytes": ("gauge", INSTANCE),
    "vya_backup_configured_databases": ("gauge", ("database_type",)),
    "vya_backup_disk_usage_bytes": ("gauge", ("path_type",)),
    "vya_backup_duration_seconds": ("histogram", INSTANCE),
    "vya_backup_restore_duration_seconds": ("histogram", INSTANCE),
    "vya_backup_size_bytes_summary": ("summary", ("database_type",)),
    "vya_backup_restore_size_bytes_summary": ("summary", ("database_type",)),
    "vya_backup_database_last_good_timestamp_seconds": ("gauge", DATABASE),
    "vya_backup_database_expected_interval_seconds": ("gauge", DATABASE),
    "vya_backup_database_last_verified_timestamp_seconds": ("gauge", DATABASE),
    "vya_backup_database_last_drilled_timestamp_seconds": ("gauge", DATABASE),
    "vya_backup_database_last_drill_status": ("gauge", DATABASE),
    "vya_backup_database_last_status": ("gauge", DATABASE),
    "vya_backup_database_size_bytes": ("gauge", DATABASE),
    "vya_backup_database_shrink_alarm": ("gauge", DATABASE),
    "vya_backup_chain_position": ("gauge", ("catalog_id",)),
    "vya_backup_chain_head_check": ("gauge", ()),
    "vya_backup_drill_max_age_seconds": ("gauge", ()),
    "vya_backup_last_run_timestamp_seconds": ("gauge", ()),
    "vya_backup_last_run_exit_status": ("gauge", ()),
    "vya_backup_metrics_timestamp_seconds": ("gauge", ()),
    "vya_backup_build_info": ("gauge", ("version",)),
}
"""By name: the type in the exposition, and the labels; `le` of a histogram is its own."""


@pytest.fixture
def clock() -> Steps:
    """A clock set by hand."""
    return Steps(AT)


@pytest.fixture
def catalog(tmp_path: Path, clock: Steps) -> Iterator[Catalog]:
    """A catalog on that clock."""
    made = opened(tmp_path, clock)
    yield made
    made.close()


def configured(**changes: Any) -> Configured:
    """What a run is told: `prod` is a MySQL server, `files` a folder; `spare` is a target of restores only."""
    instances = (
        ConfiguredInstance(id="prod", type="mysql", enabled=True, databases=("*",)),
        ConfiguredInstance(id="files", type="sqlite", enabled=True, databases=("*",)),
        ConfiguredInstance(id="spare", type="mysql", enabled=True, databases=()),
        ConfiguredInstance(id="off", type="mysql", enabled=False, databases=("*",)),
    )
    return Configured(
        **{
            "environment": "test",
            "timezone": "UTC",
            "interval_minutes": 360,
            "instances": instances,
            "retention": {"strategy": "gfs", "daily_keep": 7, "shrink_alarm_percent": 50},
            "overrides": ({"databases": ["prod/archive"], "shrink_alarm_percent": 95},),
            "verify_every_days": 30,
            "drill_max_age_days": 7,
            "min_free_percent": 5,
            **changes,
        }
    )


def collected(catalog: Catalog, now: datetime | None = None) -> CollectorRegistry:
    """Return the registry of this moment."""
    return metrics.registry(catalog, now or AT + timedelta(days=1))


def value(catalog: Catalog, name: str, **labels: str) -> float | None:
    """Return one sample, None where there is none; the type of an instance need not be said."""
    for family in collected(catalog).collect():
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return None


def everything(catalog: Catalog) -> None:
    """Append an event of every type, within a run that was told something."""
    with catalog.run(RunStarted(command="doit backup", version="2", environment="test"), configured()) as run:
        catalog.append(*good("b0"), *one_of_each("b1", database="blog").values(), *good("b2"))
        catalog.append(configured(), Discovered(instance="prod", server="8.4.2", found=("shop", "blog")))
        catalog.append(Drilled(instance="prod", database="shop", backup_id="b2", verdict="pass", duration_seconds=3))
        run.finish(0, {"ok": 2}, Room(total_bytes=1000, free_bytes=400))


# --------------------------------------------------------------------------- names


def test_names_types_and_labels_are_those_that_were_promised(catalog: Catalog) -> None:
    """Whoever wrote a dashboard or an alert relies on them."""
    everything(catalog)
    parsed = text_string_to_metric_families(metrics.text(catalog, AT).decode())
    found = {
        family.name: (family.type, {frozenset(sample.labels) - {"le"} for sample in family.samples})
        for family in parsed
    }
    assert found == {name: (kind, {frozenset(labels)}) for name, (kind, labels) in PROMISED.items()}


def test_no_label_is_one_that_prometheus_gives_itself() -> None:
    """A Pushgateway refuses all metrics then, and a scrape renames the label."""
    assert {label for _, labels in PROMISED.values() for label in labels}.isdisjoint({"job", "instance"})


def names_in(text: str) -> set[str]:
    """Return the metrics that a text names."""
    return set(re.findall(r"\bvya_backup_\w+", text))


@pytest.mark.parametrize("file", ["config/prometheus/alerts.yml", "config/grafana/dashboard.json"])
def test_alerts_and_dashboard_ask_for_nothing_that_is_not_emitted(catalog: Catalog, file: str) -> None:
    """Neither by its name nor by a label or a value of a label."""
    everything(catalog)
    text = metrics.text(catalog, AT).decode()
    emitted = {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
    asked = names_in(resource(file).read_text()) - {"vya_backup", "vya_backupdb"}
    assert asked
    assert asked - emitted == set()


def test_the_dashboard_shows_every_metric_that_the_alerts_watch_by_instance() -> None:
    """What woke somebody up can be looked at."""
    shown = names_in(resource("config/grafana/dashboard.json").read_text())
    watched = names_in(resource("config/prometheus/alerts.yml").read_text()) - {"vya_backup"}
    assert watched - shown == set()


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    """Panels have ids of their own, lie within the 24 columns and do not overlap."""
    panels = json.loads(resource("config/grafana/dashboard.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


# --------------------------------------------------------------------------- counters


def test_counters_are_the_same_whoever_reads_them_and_after_a_rebuild(catalog: Catalog) -> None:
    """They are in the catalog and in no process."""
    everything(catalog)
    first = metrics.text(catalog, AT)
    again = Catalog.open(catalog.path, host="elsewhere")
    again.rebuild_projection()
    assert metrics.text(again, AT) == first
    again.close()


def test_every_attempt_is_counted_by_how_it_ended(catalog: Catalog) -> None:
    """Retries are attempts of their own, a crash is a failed one, and a second read-back is no second success."""
    where = {"instance": "prod", "database": "shop"}
    catalog.append(
        configured(), started("f1"), Failed(**where, backup_id="f1", step="dump", code="blocked", message="x")
    )
    catalog.append(Failed(**where, step="dump", code="unreachable", message="never begun"))
    catalog.append(started("a1"), Abandoned(**where, backup_id="a1", reason="its process is gone"))
    catalog.append(*good("b1"), one_of_each("b1")["missing"], *good("b1")[2:])
    assert value(catalog, "vya_backup_executions_total", database_id="prod", status="success") == 1
    assert value(catalog, "vya_backup_executions_total", database_id="prod", status="failed") == 3
    assert value(catalog, "vya_backup_executions_total", database_id="files", status="failed") == 0
    errors = {
        sample.labels["error_type"]: sample.value
        for family in collected(catalog).collect()
        for sample in family.samples
        if sample.name == "vya_backup_errors_total"
    }
    assert errors == {"blocked": 1, "unreachable": 1, "abandoned": 1, "missing": 1}
    assert value(catalog, "vya_backup_files_processed_total", operation="backup", status="failed") == 2


def test_restores_count_for_the_instance_that_they_went_into(catalog: Catalog) -> None:
    """And the first of two stages of a recovery is no restore yet."""
    source = {"instance": "prod", "database": "shop", "backup_id": "b1"}
    target = {"restore_id": "r1", "target_instance": "spare", "target_database": "copy"}
    catalog.append(
        configured(),
        *good(),
        RestoreStarted(**source, **target, source_path="x", requested="latest", process=good()[0].process),  # type: ignore[attr-defined]
        Restored(**source, **target, duration_seconds=20, rows=3, plain_bytes=500, stage="tables"),
        Restored(**source, **target, duration_seconds=40, rows=3, plain_bytes=700, stage="programs"),
        RestoreFailed(**source, **{**target, "restore_id": "r2"}, code="restore", message="x"),
    )
    spare = {"database_type": "mysql", "database_id": "spare"}
    assert value(catalog, "vya_backup_restores_total", **spare, status="success") == 1
    assert value(catalog, "vya_backup_restores_total", **spare, status="failed") == 1
    assert value(catalog, "vya_backup_restores_total", database_id="prod", status="failed") == 0
    assert value(catalog, "vya_backup_restore_duration_seconds_sum", **spare) == 40
    assert value(catalog, "vya_backup_restore_duration_seconds_bucket", **spare, le="30.0") == 0
    assert value(catalog, "vya_backup_restore_duration_seconds_bucket", **spare, le="60.0") == 1
    assert value(catalog, "vya_backup_restore_size_bytes_summary_sum", database_type="mysql") == 700


def test_durations_fall_into_buckets_that_add_up(catalog: Catalog) -> None:
    """A second is in the first, what takes longer than twelve hours in the last alone."""
    catalog.append(configured())
    for number, seconds in enumerate((0.5, 1, 1.01, 43_200, 50_000)):
        backup_id = f"b{number}"
        catalog.append(
            started(backup_id), dumped(backup_id).model_copy(update={"duration_seconds": seconds}), *good(backup_id)[2:]
        )
    name, of_prod = "vya_backup_duration_seconds", {"database_id": "prod"}
    buckets = {
        le: value(catalog, f"{name}_bucket", **of_prod, le=le) for le in ("1.0", "5.0", "28800.0", "43200.0", "+Inf")
    }
    assert buckets == {"1.0": 2, "5.0": 3, "28800.0": 3, "43200.0": 4, "+Inf": 5}
    assert value(catalog, f"{name}_count", **of_prod) == 5
    assert value(catalog, f"{name}_sum", **of_prod) == pytest.approx(93_202.51)
    assert value(catalog, "vya_backup_size_bytes_summary_sum", database_type="mysql") == 5000


def test_verdicts_are_counted_as_they_are(catalog: Catalog) -> None:
    """What could not be judged is neither."""
    where = {"instance": "prod", "database": "shop", "backup_id": "b1"}
    catalog.append(*good())
    for verdict in ("pass", "fail", "cannot judge"):
        catalog.append(
            Verified(**where, path="x", verdict=verdict), Drilled(**where, verdict=verdict, duration_seconds=1)
        )
    for operation in ("verify", "drill"):
        for status in ("success", "failed", "unknown"):
            assert value(catalog, "vya_backup_files_processed_total", operation=operation, status=status) == 1
    assert value(catalog, "vya_backup_database_last_drill_status", database_name="shop") == -1


# --------------------------------------------------------------------------- what is now


def test_an_instance_is_as_well_as_its_worst_database(catalog: Catalog, clock: Steps) -> None:
    """Status of any, the oldest of the newest, and the sum of the sizes."""
    catalog.append(configured(), *good("s1", size=100))
    oldest = value(catalog, "vya_backup_last_timestamp", database_id="prod")
    clock.at += timedelta(hours=3)
    catalog.append(*good("w1", database="wiki", size=7))
    of_prod = {"database_type": "mysql", "database_id": "prod"}
    assert value(catalog, "vya_backup_last_timestamp", **of_prod) == oldest
    assert value(catalog, "vya_backup_last_size_bytes", **of_prod) == 107
    assert value(catalog, "vya_backup_last_status", **of_prod) == 1
    failed = Failed(instance="prod", database="wiki", step="dump", code="login", message="no")
    catalog.append(failed)
    assert value(catalog, "vya_backup_last_status", **of_prod) == 0
    assert value(catalog, "vya_backup_database_last_status", database_name="wiki") == 0
    assert value(catalog, "vya_backup_database_last_status", database_name="shop") == 1
    catalog.append(*good("w2", database="wiki"))
    assert value(catalog, "vya_backup_last_status", **of_prod) == 1
    catalog.append(started("n1", database="new"))
    assert value(catalog, "vya_backup_last_timestamp", **of_prod) == 0


def test_a_failure_that_somebody_looked_at_is_still_the_newest_attempt(catalog: Catalog) -> None:
    """A release ends what stops pruning, and brings no backup back."""
    where = {"instance": "prod", "database": "shop"}
    catalog.append(*good(), started("f1"), Failed(**where, backup_id="f1", step="dump", code="x", message="x"))
    catalog.append(Released(**where, reason="looked"))
    assert value(catalog, "vya_backup_last_status", database_id="prod") == 0


def test_what_is_configured_is_there_before_its_first_backup(catalog: Catalog) -> None:
    """Absence can be alerted on only where there is a sample."""
    catalog.append(configured(), DiscoveryFailed(instance="prod", code="unreachable", message="no"))
    assert value(catalog, "vya_backup_last_status", database_id="prod") == 0
    assert value(catalog, "vya_backup_last_status", database_id="files") == 1
    assert value(catalog, "vya_backup_last_timestamp", database_id="files") == 0
    assert value(catalog, "vya_backup_configured_databases", database_type="sqlite") == 0
    for absent in ("spare", "off"):
        assert value(catalog, "vya_backup_last_status", database_id=absent) is None


def test_what_is_gone_from_the_configuration_alarms_nobody(catalog: Catalog) -> None:
    """Its counters stay, its gauges go."""
    catalog.append(configured(), *good(), configured(instances=()))
    assert value(catalog, "vya_backup_last_status", database_id="prod") is None
    assert value(catalog, "vya_backup_database_last_good_timestamp_seconds", database_id="prod") is None
    assert value(catalog, "vya_backup_executions_total", database_id="prod", status="success") == 1


def test_what_alerts_on_absence_need(catalog: Catalog, clock: Steps) -> None:
    """Times as Unix seconds, 0 for never."""
    catalog.append(configured(), *good())
    of_shop = {"database_type": "mysql", "database_id": "prod", "database_name": "shop"}
    began = catalog.rows("SELECT at FROM events WHERE type = 'started'")[0][0]
    assert value(catalog, "vya_backup_database_last_good_timestamp_seconds", **of_shop) == (
        datetime.fromisoformat(began).timestamp()
    )
    assert value(catalog, "vya_backup_database_expected_interval_seconds", **of_shop) == 6 * 3600
    for fact in ("verified", "drilled"):
        assert value(catalog, f"vya_backup_database_last_{fact}_timestamp_seconds", **of_shop) == 0
    assert value(catalog, "vya_backup_database_last_drill_status", **of_shop) is None
    where = {"instance": "prod", "database": "shop", "backup_id": "b1"}
    catalog.append(Verified(**where, path="x", verdict="pass"))
    verified = clock.at.timestamp()
    catalog.append(Drilled(**where, verdict="pass", duration_seconds=1))
    drilled = clock.at.timestamp()
    catalog.append(Drilled(**where, verdict="fail", duration_seconds=1), Verified(**where, path="x", verdict="fail"))
    assert value(catalog, "vya_backup_database_last_verified_timestamp_seconds", **of_shop) == verified
    assert value(catalog, "vya_backup_database_last_drilled_timestamp_seconds", **of_shop) == drilled
    assert value(catalog, "vya_backup_database_last_drill_status", **of_shop) == 0
    assert value(catalog, "vya_backup_drill_max_age_seconds") == 7 * 86400


@pytest.mark.parametrize(("database", "alarm"), [("shop", 1), ("archive", 0)])
def test_a_shrunk_database_alarms_by_its_own_limit(catalog: Catalog, database: str, alarm: int) -> None:
    """That of its override where it has one; until somebody looks, or it is as large again."""
    of_it = {"database_id": "prod", "database_name": database}
    catalog.append(configured(), *good("b1", database=database, size=1000), *good("b2", database=database, size=100))
    assert value(catalog, "vya_backup_database_shrink_alarm", **of_it) == alarm
    catalog.append(*good("b3", database=database, size=101))  # a second small night ends nothing
    assert value(catalog, "vya_backup_database_shrink_alarm", **of_it) == alarm
    catalog.append(Released(instance="prod", database=database, reason="looked"))
    assert value(catalog, "vya_backup_database_shrink_alarm", **of_it) == 0


def test_the_disk_is_as_the_newest_run_left_it(catalog: Catalog) -> None:
    """And what the good backups take is the catalog's own sum."""
    assert value(catalog, "vya_backup_disk_usage_bytes", path_type="free") is None
    everything(catalog)
    room = {kind: value(catalog, "vya_backup_disk_usage_bytes", path_type=kind) for kind in ("total", "free", "used")}
    assert room == {"total": 1000, "free": 400, "used": 600}
    assert value(catalog, "vya_backup_disk_usage_bytes", path_type="backups") == 2000


def test_the_end_of_the_chain_and_whether_it_is_what_was_copied(catalog: Catalog) -> None:
    """A copy that found another history says so until a run copies again; a full disk says nothing of the kind."""

    def run(*events: Event) -> None:
        with catalog.run(RunStarted(command="doit backup", version="2", environment="test")) as one:
            catalog.append(*good())
            one.finish(0, {})
            if events:
                catalog.append(*events)
                one.fail()

    def copy_failed(code: str) -> Failed:
        return Failed(step="copy of the catalog", code=code, message="x")

    run(copy_failed("space"))
    assert value(catalog, "vya_backup_chain_head_check") == 1
    run(copy_failed("catalog"))
    assert value(catalog, "vya_backup_chain_head_check") == 0
    assert value(catalog, "vya_backup_last_run_exit_status") == 1
    run()
    assert value(catalog, "vya_backup_chain_head_check") == 1
    assert value(catalog, "vya_backup_last_run_exit_status") == 0
    assert value(catalog, "vya_backup_chain_position", catalog_id=catalog.catalog_id) == catalog.head().position


# --------------------------------------------------------------------------- fleets, cost


def test_of_a_fleet_each_sample_says_its_host(catalog: Catalog) -> None:
    """Two hosts may have an instance of the same name, and no series may be there twice."""
    everything(catalog)
    with plain(catalog.path) as connection:
        connection.execute("INSERT INTO origins VALUES (?, 'north')", (catalog.catalog_id,))
        connection.execute("INSERT INTO origins VALUES ('another', 'south')")
    catalog.rebuild_projection()
    families = list(text_string_to_metric_families(metrics.text(catalog, AT).decode()))
    samples = [(s.name, frozenset(s.labels.items())) for family in families for s in family.samples]
    assert len(samples) == len(set(samples))
    assert {s.labels["host"] for family in families for s in family.samples} == {"north", "south"}
    assert value(catalog, "vya_backup_executions_total", host="north", database_id="prod", status="success") == 3
    assert value(catalog, "vya_backup_chain_position", host="north") == catalog.head().position


class Watched:
    """A catalog that explains the plan of each question."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.plans: list[str] = []

    def rows(self, sql: str, parameters: Any = ()) -> list[sqlite3.Row]:
        """Answer, and remember how."""
        self.plans += [row["detail"] for row in self.catalog.rows(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        return self.catalog.rows(sql, parameters)


def test_no_question_reads_history_from_end_to_end(catalog: Catalog) -> None:
    """Each run asks them: they cost the number of databases, of kept backups and of chains."""
    everything(catalog)
    asked = Watched(catalog)
    metrics.registry(asked, AT)
    long = re.compile(r"^SCAN (e|events|b|n|g|f|projected_(backups|good|restores|looks))\b")  # runs: from their end
    assert asked.plans
    assert [plan for plan in asked.plans if long.match(plan)] == []
    of_types = [plan for plan in asked.plans if "events_by_type" in plan]
    assert of_types
    assert all("type=? AND instance=? AND database=?" in plan for plan in of_types)


def test_a_run_that_has_no_end_yet_is_told_by_its_start(catalog: Catalog) -> None:
    """It is at work, or was killed."""
    with catalog.run(RunStarted(command="doit backup", version="2", environment="test")):
        catalog.append(*good())
    began = catalog.rows("SELECT started_at FROM projected_runs")[0][0]
    assert value(catalog, "vya_backup_last_run_timestamp_seconds") == datetime.fromisoformat(began).timestamp()
    assert value(catalog, "vya_backup_last_run_exit_status") is None


def test_an_empty_catalog_has_metrics_too(catalog: Catalog) -> None:
    """The exporter is there, and nothing was backed up."""
    assert value(catalog, "vya_backup_metrics_timestamp_seconds") == (AT + timedelta(days=1)).timestamp()
    assert value(catalog, "vya_backup_chain_position") == 1
