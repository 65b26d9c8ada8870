"""The interpreter of restores: steps in order, taken back in reverse, and never a restore without a comparison."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from vya_backup.decisions.manifest import Manifest
from vya_backup.engines.answers import Server
from vya_backup.engines.commands import Command
from vya_backup.engines.contract import Access, ConnectionSpec, Engine, RestoreRequest
from vya_backup.engines.stages import Gate
from vya_backup.engines.steps import Ask, Compare, Load, PointOfNoReturn, Run, Sql, Steps
from vya_backup.errors import BackupError, Interrupted, RestoreFailed
from vya_backup.jobs.restore_acts import Outcome, Surroundings
from vya_backup.jobs.restore_source import Source
from vya_backup.jobs.restore_steps import Undertaking, Waits, carry_out
from vya_backup.settings.model import Instance
from vya_backup.transport.limits import UNLIMITED
from vya_backup.transport.pipeline import silent
from vya_backup.transport.processes import stop
from vya_backup.transport.storage import Store

HELD = Manifest({"table": ("log",)}, {"log": 1})
COMPARED = Compare("compare", "x")


def say(word: str) -> str:
    """Return a statement that leaves a word behind."""
    return f"INSERT INTO log VALUES ('{word}')"


def step(word: str, *more: str, undo: str = "", transaction: bool = False) -> Sql:
    """Return a step that leaves its word behind, and another one when it is taken back."""
    taken_back = (Sql(f"undo {word}", (say(undo),)),) if undo else ()
    return Sql(word, (say(word), *more), transaction=transaction, undo=taken_back)


BROKEN = "INSERT INTO nowhere VALUES (1)"


@dataclass
class Playing:
    """An engine that plays the steps it is given against a SQLite file."""

    file: Path
    steps: Callable[[], Steps]
    found: Manifest = HELD
    said: list[str] = field(default_factory=list)

    def connection(self, access: Access, database: str | None, *, timeout_seconds: float = 10) -> ConnectionSpec:
        from sqlalchemy.engine import URL

        return ConnectionSpec(URL.create("sqlite", database=str(self.file)), {})

    def explain(self, error: Exception, access: Access) -> BackupError:
        return BackupError(str(error))

    def restore(self, request: RestoreRequest) -> Steps:
        return self.steps()

    def count(self, connection: Any, server: Server, database: str) -> Manifest:
        return self.found

    def play(self) -> Outcome:
        """Carry the steps out; the outcome is kept also when they fail."""
        carry_out(cast(RestoreRequest, None), self.around(), self.outcome)
        return self.outcome

    def undertaken(self) -> Undertaking:
        """Return the steps as they are taken one gate at a time."""
        around = self.around()
        return Undertaking(cast(RestoreRequest, None), around, self.outcome)

    def around(self) -> Surroundings:
        """Return what the steps act on, with an outcome of their own."""
        self.outcome = Outcome()
        access = Access(Instance(id="i", type="sqlite", path="x"))
        source = Source(Store(self.file.parent), "x.db.gz", None, None, None, None, None, manifest=HELD)  # type: ignore[arg-type]
        server = Server("sqlite", (3,), "SQLite")
        engine = cast(Engine, self)
        return Surroundings(engine, access, server, source, HELD, UNLIMITED, silent, self.said.append)

    def words(self) -> list[str]:
        """Return what the steps left behind, in order."""
        with closing(sqlite3.connect(self.file)) as connection:
            return [word for (word,) in connection.execute("SELECT word FROM log ORDER BY rowid")]


@pytest.fixture
def playing(tmp_path: Path) -> Callable[..., Playing]:
    """Give `playing(steps, **more)`."""

    def make(*steps: Any, **more: Any) -> Playing:
        def generator() -> Steps:
            yield from steps

        return Playing(file, generator, **more)

    file = tmp_path / "log.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE log (word TEXT)")
    return make


def test_steps_run_in_order_and_nothing_is_taken_back(playing: Callable[..., Playing]) -> None:
    """The way things should go."""
    game = playing(step("one", undo="-one"), COMPARED, step("two", undo="-two"))

    assert game.play().compared == ["1 object and 1 row in 1 table"]
    assert game.words() == ["one", "two"]


def test_an_engines_own_bookkeeping_is_not_told(playing: Callable[..., Playing]) -> None:
    """At three in the morning every line is about the database."""
    note = replace(step("note"), told=False)
    game = playing(step("one"), note, Ask("look", lambda connection: None), COMPARED)

    game.play()

    assert game.words() == ["one", "note"]
    assert game.said == ["one", "compare"]


def test_a_failure_takes_back_what_was_done_last_first(playing: Callable[..., Playing]) -> None:
    """The failing atomic step left nothing, so its own undo does not run."""
    game = playing(step("one", undo="-one"), step("two", undo="-two"), Sql("three", (BROKEN,), undo=(step("-three"),)))

    with pytest.raises(BackupError, match="nowhere"):
        game.play()

    assert game.words() == ["one", "two", "-two", "-one"]
    assert game.outcome.left == ""


def test_a_step_that_fails_half_way_is_taken_back_too(playing: Callable[..., Playing]) -> None:
    """Two statements without a transaction: the first has happened."""
    game = playing(step("one", BROKEN, undo="-one"))

    with pytest.raises(BackupError):
        game.play()

    assert game.words() == ["one", "-one"]


def test_a_transaction_that_fails_leaves_nothing_to_take_back(playing: Callable[..., Playing]) -> None:
    """It never happened."""
    game = playing(step("one", BROKEN, undo="-one", transaction=True))

    with pytest.raises(BackupError):
        game.play()

    assert game.words() == []


def test_an_undo_that_fails_is_told_and_the_others_go_on(playing: Callable[..., Playing]) -> None:
    """The statement to run by hand is named."""
    stuck = Sql("two", (say("two"),), undo=(Sql("put two back", (BROKEN,)),))
    game = playing(step("one", undo="-one"), stuck, Sql("three", (BROKEN,)))

    with pytest.raises(BackupError):
        game.play()

    assert game.words() == ["one", "two", "-one"]
    assert BROKEN in game.outcome.left
    assert "put two back" in game.outcome.left


def test_after_the_point_of_no_return_nothing_is_taken_back(playing: Callable[..., Playing]) -> None:
    """The restored database is the live one; what cleans up may fail."""
    clean_up = Sql("drop the old one", (BROKEN,), may_fail=True)
    game = playing(step("one", undo="-one"), COMPARED, PointOfNoReturn("it stands"), clean_up, step("two"))

    assert "drop the old one" in game.play().warnings[0]
    assert game.words() == ["one", "two"]


UNASKED = Ask("see what holds the old one", lambda connection: connection.exec_driver_sql(BROKEN))


@pytest.mark.parametrize("broken", [Sql("two", (BROKEN,)), UNASKED], ids=["a statement", "a question"])
def test_a_failure_after_the_point_of_no_return_is_left_to_a_later_run(
    playing: Callable[..., Playing], broken: Sql | Ask
) -> None:
    """The restore is done, and nobody is told that the old database stands; what relies on the step is not done."""
    game = playing(step("one", undo="-one"), COMPARED, PointOfNoReturn("it stands"), broken, step("three"))

    outcome = game.play()

    assert game.words() == ["one"]
    assert outcome.uncleaned == [broken.purpose]
    assert outcome.warnings[0].startswith(f"{broken.purpose}: ")


def test_an_interrupt_after_the_point_of_no_return_ends_no_restore(playing: Callable[..., Playing]) -> None:
    """What is left is to clean up, which is short."""

    def interrupted() -> Steps:
        yield step("one", undo="-one")
        yield COMPARED
        yield PointOfNoReturn("it stands")
        stop.requested = 15
        yield step("two", undo="-two")

    game = playing()
    game.steps = interrupted
    try:
        game.play()
    finally:
        stop.requested = None

    assert game.words() == ["one", "two"]


def test_a_difference_ends_the_restore(playing: Callable[..., Playing]) -> None:
    """And is told with its numbers."""
    game = playing(step("one", undo="-one"), COMPARED, found=Manifest({"table": ("log",)}, {"log": 2}))

    with pytest.raises(RestoreFailed, match="log has 2 rows instead of 1"):
        game.play()

    assert game.outcome.differences == ["log has 2 rows instead of 1"]
    assert game.words() == ["one", "-one"]


def test_a_restore_that_compared_nothing_is_a_bug(playing: Callable[..., Playing]) -> None:
    """No engine may say "restored" by itself."""
    with pytest.raises(RuntimeError, match="without a comparison"):
        playing(step("one")).play()


def test_answers_are_sent_back_to_the_engine(playing: Callable[..., Playing]) -> None:
    """What a question found decides what comes next."""
    answers: list[Any] = []

    def asking() -> Steps:
        answers.append((yield Ask("count", lambda c: c.exec_driver_sql("SELECT 41 + 1").scalar())))
        yield COMPARED

    game = playing()
    game.steps = asking
    game.play()

    assert answers == [42]


def test_an_interrupt_between_two_steps_is_taken_back(playing: Callable[..., Playing], tmp_path: Path) -> None:
    """The undos run although the stop flag is set, those that are tools too."""
    mark = tmp_path / "mark"
    tool = Run("touch a file", Command(("touch", str(mark))))

    def interrupted() -> Steps:
        yield Sql("one", (say("one"),), undo=(tool, Sql("undo one", (say("-one"),))))
        stop.requested = 15
        yield step("two", undo="-two")

    game = playing()
    game.steps = interrupted
    try:
        with pytest.raises(Interrupted):
            game.play()
    finally:
        stop.requested = None

    assert game.words() == ["one", "-one"]
    assert mark.exists()


def test_a_gate_stops_what_waits_for_others_and_nothing_else(playing: Callable[..., Playing]) -> None:
    """A restore by itself goes through; one beside others stops there, with what it did done."""
    steps = (step("one"), Gate("the others"), step("two"), COMPARED)
    alone = playing(*steps)
    alone.play()
    assert alone.words() == ["one", "two"]

    beside = playing(*steps)
    undertaking = beside.undertaken()

    assert not undertaking.advance()
    assert beside.words() == ["one", "two", "one"]
    assert undertaking.advance()
    assert beside.words() == ["one", "two", "one", "two"]


def test_what_lacks_something_of_others_is_tried_again(playing: Callable[..., Playing]) -> None:
    """Nothing is taken back while it waits; when it is given up all of it is, once."""
    game = playing(step("one", undo="-one"), patient_load(undo="-load"), COMPARED)
    undertaking = game.undertaken()

    for _attempt in range(2):
        with pytest.raises(Waits, match="no such tool"):
            undertaking.advance(patiently=True)
    assert game.words() == ["one"]
    undertaking.take_back()

    assert game.words() == ["one", "-load", "-one"]


def test_without_patience_the_same_step_ends_the_restore(playing: Callable[..., Playing]) -> None:
    """There are no others to wait for."""
    game = playing(step("one", undo="-one"), patient_load(undo="-load"), COMPARED)

    with pytest.raises(BackupError, match="no such tool"):
        game.undertaken().advance()

    assert game.words() == ["one", "-load", "-one"]


def test_a_step_without_patience_never_waits(playing: Callable[..., Playing]) -> None:
    """Trying it again would not be safe."""
    game = playing(step("one", undo="-one"), Sql("two", (BROKEN,)), COMPARED)

    with pytest.raises(BackupError, match="nowhere"):
        game.undertaken().advance(patiently=True)

    assert game.words() == ["one", "-one"]


def patient_load(undo: str) -> Load:
    """Return a patient step that fails, since there is no dump, with what takes it back."""
    return Load("load", Command(("no such tool",)), undo=(step(undo),), patient=True)
