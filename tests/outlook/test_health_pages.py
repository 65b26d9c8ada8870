"""What `/health`, `/health/ready` and `/health/live` answer, from the catalog alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.history.samples import Steps, good, opened, plain
from tests.outlook.test_metrics import AT, configured
from vya_backup.history.catalog import Catalog
from vya_backup.history.events import Failed
from vya_backup.history.run_events import Configured, DiscoveryFailed, RunStarted
from vya_backup.outlook.health_pages import health, live, ready

SOON = AT + timedelta(hours=1)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """A catalog in which the only instance was backed up at two in the morning, as every six hours."""
    made = opened(tmp_path, Steps(AT))
    made.append(of_prod_alone(), *good())
    yield made
    made.close()


def of_prod_alone() -> Configured:
    """The configuration without its folder of files."""
    whole = configured()
    return configured(instances=tuple(one for one in whole.instances if one.id != "files"))


def test_the_shapes_are_those_of_the_specification(catalog: Catalog) -> None:
    """To the letter."""
    assert health(catalog, SOON) == (200, {"status": "healthy", "timestamp": "2026-01-09T03:00:00.000000Z"})
    assert ready(catalog, SOON) == (200, {"ready": True, "databases": {"prod": "ok"}})
    assert live() == (200, {"alive": True})


def test_a_backup_that_is_too_old_is_no_health(catalog: Catalog) -> None:
    """One and a half intervals after it began."""
    assert ready(catalog, AT + timedelta(hours=8, minutes=59))[0] == 200
    late = AT + timedelta(hours=9, minutes=1)
    assert ready(catalog, late) == (503, {"ready": False, "databases": {"prod": "overdue"}})
    assert health(catalog, late)[0] == 503
    assert health(catalog, late)[1]["status"] == "unhealthy"


def test_a_failed_attempt_is_told_until_the_next_good_one(catalog: Catalog) -> None:
    """Per instance."""
    catalog.append(Failed(instance="prod", database="shop", step="dump", code="login", message="no"))
    assert ready(catalog, SOON) == (503, {"ready": False, "databases": {"prod": "failed"}})
    catalog.append(*good("b2"))
    assert ready(catalog, SOON)[0] == health(catalog, SOON)[0] == 200


def test_what_was_never_backed_up_is_not_ready(catalog: Catalog) -> None:
    """Nor is what could not be asked; what is no longer configured does not count."""
    catalog.append(configured(), DiscoveryFailed(instance="files", code="unreachable", message="no"))
    assert ready(catalog, SOON) == (503, {"ready": False, "databases": {"files": "no backup", "prod": "ok"}})
    catalog.append(of_prod_alone())
    assert ready(catalog, SOON)[0] == 200


def test_history_that_is_not_what_was_copied_is_no_health(catalog: Catalog) -> None:
    """Though every database is covered."""
    with catalog.run(RunStarted(command="doit backup", version="2", environment="test")):
        catalog.append(*good("b2"), Failed(step="copy of the catalog", code="catalog", message="x"))
    assert ready(catalog, SOON)[0] == 200
    assert health(catalog, SOON)[0] == 503


def test_a_fleet_is_told_host_by_host(catalog: Catalog) -> None:
    """Two of them may have an instance of the same name."""
    with plain(catalog.path) as connection:
        connection.execute("INSERT INTO origins VALUES (?, 'north')", (catalog.catalog_id,))
    catalog.rebuild_projection()
    assert ready(catalog, SOON) == (200, {"ready": True, "databases": {"north/prod": "ok"}})
