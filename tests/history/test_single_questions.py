"""What auditors ask, of small histories that were made for one question each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.history.samples import Steps, good, one_of_each, opened, started
from vya_backup.history.catalog import Catalog
from vya_backup.history.events import AccountsChanged, Failed, Held, Released
from vya_backup.history.questions import ask, question
from vya_backup.history.run_events import Configured, RunStarted


def answers(catalog: Catalog, name: str, **values: Any) -> list[dict[str, Any]]:
    """Ask; `from_` stands for `from`, which is a word of Python's."""
    return ask(catalog, question(name), {key.rstrip("_"): value for key, value in values.items()}).dicts()


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_a_backup_that_was_found_again_covers_before_and_after_but_not_between(tmp_path: Path, harm: str) -> None:
    """The file was out of reach for an hour, and is intact; later it is pruned."""
    clock = Steps()
    catalog, kinds = opened(tmp_path, clock), one_of_each()
    catalog.append(*good())
    for hour, kind in ((3, harm), (4, "verified"), (5, "pruned")):
        clock.at = clock.at.replace(hour=hour, minute=0)
        catalog.append(kinds[kind])
    told = [answers(catalog, "coverage", on=f"2026-01-09T0{hour}:59:00Z")[0]["restorable"] for hour in (2, 3, 4, 5)]
    catalog.close()
    assert told == ["yes", "no", "yes", "no"]


def test_what_was_never_good_is_not_made_good_by_a_verification(tmp_path: Path) -> None:
    """Only a read-back behind the dump makes a backup."""
    clock = Steps()
    catalog, kinds = opened(tmp_path, clock), one_of_each()
    catalog.append(*(kinds[kind] for kind in ("started", "dumped", "damaged", "verified")))
    clock.at = clock.at.replace(hour=3)
    catalog.append(kinds["checksummed"])
    told = [answers(catalog, "coverage", on=at)[0]["restorable"] for at in ("2026-01-09T02:59:00Z", "2026-01-09")]
    catalog.close()
    assert told == ["no", "yes"]


def test_only_a_verification_that_passed_counts(tmp_path: Path) -> None:
    """One whose verdict is another says when nobody could tell."""
    catalog, passed = opened(tmp_path, Steps()), one_of_each()["verified"]
    unsure = passed.model_copy(update={"verdict": "cannot judge"})
    catalog.append(*good(), unsure)
    before = answers(catalog, "coverage")[0]["verified_at"]
    catalog.append(passed, unsure)
    after = answers(catalog, "coverage")[0]["verified_at"]
    recorded = catalog.rows("SELECT at FROM events WHERE json_extract(data, '$.verdict') = 'pass'")[0]["at"]
    catalog.close()
    assert (before, after) == (None, recorded)


def test_an_instance_that_could_not_be_asked_is_back_with_the_next_dump_of_any_of_its_databases(tmp_path: Path) -> None:
    """A discovery that finds nothing new leaves no event."""
    catalog, kinds = opened(tmp_path), one_of_each()
    catalog.append(*good("b1", database="crm"), kinds["discovery_failed"])
    before = answers(catalog, "failures_mended")
    catalog.append(started("b2", instance="another", database="crm"), started("b3", database="crm"))
    after = answers(catalog, "failures_mended")
    expected = catalog.rows("SELECT at FROM events WHERE backup_id = 'b3'")[0]["at"]
    catalog.close()
    assert [(row["state"], row["mended_at"]) for row in (*before, *after)] == [("open", None), ("mended", expected)]


def test_a_backup_whose_files_are_still_there_was_not_removed(tmp_path: Path) -> None:
    """A crash came between the two events."""
    catalog, kinds = opened(tmp_path), one_of_each()
    catalog.append(*good(), kinds["pruned"])
    before = answers(catalog, "deletions")[0]
    catalog.append(kinds["removed"])
    after = answers(catalog, "deletions")[0]
    catalog.close()
    assert (before["removed_at"], before["freed_bytes"]) == (None, None)
    assert (after["removed_at"] is not None, after["freed_bytes"], after["files_left"]) == (True, 1000, 1)


def test_a_drill_that_was_cut_off_is_told_as_abandoned(tmp_path: Path) -> None:
    """It proved nothing, and someone began it."""
    catalog, kinds = opened(tmp_path), one_of_each()
    catalog.append(*good(), kinds["drilled"], kinds["drill_abandoned"])
    rows = answers(catalog, "drills_made")
    only = answers(catalog, "drills_made", verdict="abandoned")
    catalog.close()
    assert [(row["verdict"], row["reason"]) for row in rows] == [("abandoned", "its process is gone"), ("pass", None)]
    assert only == rows[:1]


def test_holds_are_open_until_they_are_released(tmp_path: Path) -> None:
    """By whom, when and why each was given and ended; an alarm that someone looked at stands beside them."""
    clock = Steps()
    catalog = opened(tmp_path, clock)
    catalog.append(*good("b1"), *good("b2"))
    where = {"instance": "prod", "database": "shop"}
    catalog.append(Held(**where, backup_id="b1", reason="audit"), Held(**where, backup_id="b2", reason="lawsuit"))
    clock.at = clock.at.replace(month=3)
    catalog.append(Released(**where, backup_id="b1", reason="audit is over"), Released(**where, reason="looked at"))
    rows = answers(catalog, "holds")
    assert [(row["state"], row["backup_id"], row["reason"], row["release_reason"]) for row in rows] == [
        ("alarm", None, None, "looked at"),
        ("open", "b2", "lawsuit", None),
        ("released", "b1", "audit", "audit is over"),
    ]
    april = [row["backup_id"] for row in answers(catalog, "holds", from_="2026-04-01")]
    january = [row["backup_id"] for row in answers(catalog, "holds", to="2026-01-31")]
    catalog.close()
    assert (april, january) == (["b2"], ["b2", "b1"])


def test_changes_of_accounts_are_told_in_words(tmp_path: Path) -> None:
    """And what could not be compared is not told as no change."""
    catalog = opened(tmp_path)
    where = {"instance": "prod", "database": "@users"}
    catalog.append(
        AccountsChanged(**where, backup_id="u2", before="u1", added=2, words=("ann was added", "bob was added")),
        AccountsChanged(**where, backup_id="u3", before="u2", problem="u2 cannot be read"),
    )
    rows = answers(catalog, "account_changes")
    catalog.close()
    assert [(row["added"], row["differences"], row["problem"]) for row in rows] == [
        (0, None, "u2 cannot be read"),
        (2, "ann was added; bob was added", None),
    ]


def test_changes_of_the_configuration_name_what_was_and_what_is(tmp_path: Path) -> None:
    """Key by key; the first one that is known changes nothing."""
    catalog = opened(tmp_path)
    first = one_of_each()["configured"]
    assert isinstance(first, Configured)
    second = first.model_copy(update={"interval_minutes": 720, "retention": {"strategy": "gfs", "weekly_keep": 4}})
    catalog.append(first, second)
    rows = answers(catalog, "configuration_changes")
    catalog.close()
    assert [row["changes"] for row in rows] == [
        "interval_minutes: 1440 -> 720; retention.daily_keep: 7 -> -; retention.weekly_keep: - -> 4",
        "the first one that is known",
    ]


def test_a_fault_is_told_once_and_a_sidecar_is_mended_when_its_backup_is_given_up(tmp_path: Path) -> None:
    """A verification stands beside the damage that it found; alone it is about a sidecar."""
    catalog, kinds = opened(tmp_path), one_of_each()
    failed = kinds["verified"].model_copy(update={"verdict": "fail", "reason": "checksum file differs"})
    catalog.append(*good(), kinds["damaged"], failed)
    beside = [row["what"] for row in answers(catalog, "failures_mended")]
    of_a_sidecar = failed.model_copy(update={"backup_id": "b2"})
    catalog.append(*good("b2"), of_a_sidecar)
    before = answers(catalog, "failures_mended")[0]
    catalog.append(kinds["pruned"].model_copy(update={"backup_id": "b2"}))
    after = answers(catalog, "failures_mended")[0]
    catalog.close()
    assert beside == ["damaged"]
    assert [(row["what"], row["state"], row["mended_by"]) for row in (before, after)] == [
        ("verified", "open", None),
        ("verified", "mended", "pruned"),
    ]


def test_what_a_run_does_at_its_end_is_mended_by_the_next_run_that_does_it(tmp_path: Path) -> None:
    """The catalog was not copied: neither the same run nor one that failed so again shows that it works."""
    catalog = opened(tmp_path)
    kinds = one_of_each()
    uncopied = Failed(step="copy", code="storage", message="no such folder")
    started_run, ended = kinds["run_started"], kinds["run_finished"]
    assert isinstance(started_run, RunStarted)
    with catalog.run(started_run):
        catalog.append(uncopied, ended)
    with catalog.run(started_run):
        catalog.append(ended, uncopied)
    before = answers(catalog, "failures_mended")
    with catalog.run(started_run):
        catalog.append(ended)
    after = answers(catalog, "failures_mended")
    catalog.close()
    assert [row["state"] for row in before] == ["open", "open"]
    assert [(row["state"], row["mended_by"]) for row in after] == [("mended", "run finished")] * 2
    assert len({row["mended_at"] for row in after}) == 1
