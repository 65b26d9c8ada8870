"""A seeded random walk over everything that happens to backups: whatever comes after what, no promise breaks."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.faults import judge
from tests.faults.nursery import Fault, Nursery, Ran
from tests.faults.world import STORED, Rows, Seen, World, copied, instant, rows_of

NIGHTS = (24 * 40, 24 * 9, 24, 24, -24 * 60, 24 * 61)
"""Hours from each night to the next: the newest backup is of a clock that was set back, and fills no slot."""
SHORT, SHORT_STEPS = 5, 10
LONG, LONG_STEPS = 150, 40
MADE: Counter[str] = Counter()
"""Steps of each kind."""
STRUCK: Counter[str] = Counter()
"""Faults that came to pass, by what was running and what struck."""
CALLED: Counter[str] = Counter()
"""What came of it, so that a walk that met nothing is seen."""

shares = st.integers(0, 10**6)
"""Picks one of something, or a place in it, whose number the walk does not know yet."""
names = st.sampled_from(["shop", "other"])
faults = st.sampled_from(["KILL", "KILL", "KILL", "TOOLS", "EIO", "ENOSPC"])


class Walk(RuleBasedStateMachine):
    """One walk through a world of its own."""

    origin: World
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.world = self.origin.copied_from(self.template)
        self.folder = self.world.project.folder
        self.effects: dict[str, int] = {}
        self.is_over = False

    def teardown(self) -> None:
        """Let a last night pass, and judge once more."""
        if not self.is_over:
            self.step("prune")
            self.back_up()
            self.verify()
            self.prune()

    # ----------------------------------------------------------------- commands

    @rule()
    def back_up(self) -> None:
        """Whatever is due is dumped, and then nothing is."""
        self.did("backup")
        ran = self.step("backup")
        assert ran.status == 0, ran.said
        assert not judge.due(self.world), "due although the backup succeeded"
        self.changes_nothing("backup")

    @rule()
    def back_up_by_force(self) -> None:
        """Everything is dumped again."""
        self.did("backup --force")
        ran = self.step("backup", "--force")
        assert ran.status == 0, ran.said

    @rule()
    def verify(self) -> None:
        """Each harm is named, nothing else is, and the database becomes due."""
        self.did("verify")
        stored = [row["backup_id"] for row in self.world.seen.backups.values() if row["state"] in STORED]
        number = len(self.world.seen.events)
        ran = self.step("verify")
        looks = {e["backup_id"]: e["data"] for e in self.world.seen.events[number:] if e["type"] == "verified"}
        for one in stored:
            wanted, found = judge.faults_of(self.world, one), set(looks[one]["checks"])
            assert wanted <= found, f"{one}: {found} instead of {wanted}"
            assert wanted or not found, f"{one} is whole, and {found} spoke"
            CALLED.update(wanted)
            state = self.world.seen.backups[one]["state"]
            assert (state == "good") != self.world.is_dump_harmed(one), f"{one} is {state}"
        assert ran.status == (1 if any(map(self.world.is_harmed, stored)) else 0), ran.said
        self.becomes_due()
        audited = self.step("audit", settles=False)
        assert audited.status == 0, audited.said

    def becomes_due(self) -> None:
        """What has no good backup of today is planned."""
        plan = {one["database"]: one["work"] for one in json.loads(self.step("plan", "--json", settles=False).said)}
        missed = [name for name in judge.due(self.world) & plan.keys() if plan[name] == "nothing"]
        assert not missed, f"{missed} have no good backup of today, and are not due"

    @rule()
    def prune(self) -> None:
        """What goes is judged by `judge`; then nothing more goes."""
        self.did("prune")
        number = self.world.seen.count("pruned")
        self.step("prune")
        CALLED["pruned"] += self.world.seen.count("pruned") - number
        self.changes_nothing("prune")

    @precondition(lambda self: self.world.seen.of("good"))
    @rule(name=names)
    def drill(self, name: str) -> None:
        """What is proved was whole."""
        good = [row for row in self.world.seen.of("good") if row["database"] == name]
        if not good:
            return
        self.did("drill")
        ran = self.step("verify:local/" + name, "--drill")
        one = good[-1]["backup_id"]
        if self.world.is_dump_harmed(one):
            assert ran.status, f"{one} was proved, and is harmed: {ran.said}"
        elif not self.world.is_harmed(one):
            assert ran.status == 0, ran.said

    @rule(which=shares, newest=st.booleans(), beside=st.booleans())
    def restore(self, which: int, newest: bool, beside: bool) -> None:
        """It brings back the rows that were dumped, or fails and leaves everything as it was."""
        self.did("restore beside" if beside else "restore over")
        words, chosen, target = self.wish(which, newest=newest, beside=beside)
        was = dict(self.world.live)
        if self.can_restore(chosen):
            self.world.live[target] = self.world.dumped[chosen]
        is_sure, is_harmed = self.can_restore(chosen), not chosen or self.world.is_dump_harmed(chosen)
        ran = self.step(*words, doubtful={target: was.get(target)})
        if is_sure:
            assert ran.status == 0, ran.said
            assert self.world.live[target] == self.world.dumped[chosen]
        if is_harmed:
            assert ran.status, f"{chosen} was restored, and is harmed"
        if ran.status:
            CALLED["restore refused"] += 1
            assert self.world.live == was

    @rule(which=shares)
    def hold(self, which: int) -> None:
        """A hold on what is there is kept."""
        self.did("hold")
        one = self.pick(which)
        has_files = self.world.seen.backups[one]["state"] not in ("pruned", "failed", "abandoned")
        ran = self.step("hold", "--backup", one, "--reason", "walk", settles=False)
        assert (ran.status == 0) == has_files, ran.said
        if has_files:
            assert self.world.seen.backups[one]["held"]
            self.changes_nothing("hold", "--backup", one, "--reason", "walk")

    @rule(which=shares)
    def release(self, which: int) -> None:
        """A hold ends."""
        self.did("release")
        one = self.pick(which)
        assert self.step("release", "--backup", one, "--reason", "walk", settles=False).status == 0
        assert not self.world.seen.backups[one]["held"]

    @rule(name=names)
    def look(self, name: str) -> None:
        """Somebody looked at the alarm of a database."""
        self.did("release of an alarm")
        if any(row["database"] == name for row in self.world.seen.backups.values()):
            assert self.step("release", "--database", f"local/{name}", "--reason", "walk", settles=False).status == 0

    # ------------------------------------------------------------ what befalls it

    @rule(name=names, how=st.sampled_from(["insert", "insert", "grow", "empty"]))
    def change(self, name: str, how: str) -> None:
        """The database goes on living."""
        self.did("change")
        number = MADE.total()
        statements = {
            "insert": [f"INSERT INTO t VALUES ({number}, 'new')"],
            "grow": [f"INSERT INTO t SELECT {number}, hex(zeroblob(900)) FROM (VALUES (1), (2), (3), (4), (5), (6))"],
            "empty": ["DELETE FROM t"],
        }
        self.world.change(name, *statements[how])
        if how == "empty":
            self.world.change(name, "PRAGMA page_size")  # what is deleted stays in the file until it is rewritten

    @rule(hours=st.sampled_from([-24 * 9, -24, -3, 5, 24, 24, 24, 48, 24 * 8, 24 * 33]))
    def step_clock(self, hours: int) -> None:
        """The clock goes on, or is set."""
        self.did("clock forwards" if hours > 0 else "clock backwards")
        self.world.now += timedelta(hours=hours)

    @rule(which=shares)
    def step_clock_to_a_backup(self, which: int) -> None:
        """The clock is set to a moment at which there is a backup already."""
        self.did("clock backwards")
        row = self.world.seen.backups[self.pick(which)]
        self.world.now = instant(row["started_at"]).replace(microsecond=0) - timedelta(minutes=1)

    @precondition(lambda self: self.world.seen.of("good"))
    @rule(which=shares, other=shares, place=shares, how=st.sampled_from(sorted(judge.HARMS)))
    def corrupt(self, which: int, other: int, place: int, how: str) -> None:
        """A file of a good backup is changed behind everybody's back."""
        self.did(f"corrupt: {how}")
        good = [row["backup_id"] for row in self.world.seen.of("good")]
        judge.HARMS[how](self.world, good[which % len(good)], good[other % len(good)], place)
        self.judged("corrupt", ())

    @precondition(lambda self: self.world.harm)
    @rule(which=shares)
    def bring_back(self, which: int) -> None:
        """Somebody brings the files of a backup back from a copy."""
        self.did("bring back")
        one = sorted(self.world.harm)[which % len(self.world.harm)]
        if self.world.seen.backups[one]["state"] in STORED:
            for path, content in self.world.published[one].items():
                self.world.hurt(one, path, content)
            del self.world.harm[one]

    @rule(
        command=st.sampled_from(["backup", "backup --force", "verify", "prune", "drill", "hold"]),
        share=shares,
        what=faults,
    )
    def crash(self, command: str, share: int, what: str) -> None:
        """A command dies, loses its tools, or an effect of it fails."""
        words = {
            "drill": ("verify:local/shop", "--drill"),
            "hold": ("hold", "--backup", self.pick(share), "--reason", "w"),
        }
        self.crashed(command, words.get(command, tuple(command.split())), share, what)

    @precondition(lambda self: self.world.seen.of("good"))
    @rule(which=shares, newest=st.booleans(), beside=st.booleans(), share=shares, what=faults)
    def crash_restore(self, which: int, newest: bool, beside: bool, share: int, what: str) -> None:
        """A restore dies: the old rows stand, or the restored ones."""
        words, chosen, target = self.wish(which, newest=newest, beside=beside)
        was = self.world.live.get(target)
        if self.can_restore(chosen):
            self.world.live[target] = self.world.dumped[chosen]
        self.crashed("restore beside" if beside else "restore over", words, share, what, doubtful={target: was})

    @precondition(lambda self: self.world.seen.of("good"))
    @rule(share=shares, what=st.sampled_from(["", "", *["KILL", "EIO"]]))
    def lose_catalog(self, share: int, what: str) -> None:
        """The catalog is gone, and made again from the tree; only what no run could copy is lost."""
        self.did("catalog lost and rebuilt")
        self.forget_catalog()
        if what:
            self.crashed("rebuild", ("catalog", "rebuild"), share, what)
        if not (self.folder / "catalog/catalog.db").exists():
            self.step("catalog", "rebuild", settles=False)
        assert (self.folder / "catalog/catalog.db").exists()

    # --------------------------------------------------------------------- parts

    def step(self, *words: str, settles: bool = True, doubtful: dict[str, Rows | None] | None = None) -> Ran:
        """Run a command to its end and judge; `settles` says that it is a run, which leaves nothing behind."""
        ran = self.world.run(*words)
        self.effects[words[0]] = ran.effects
        self.settle_doubts(doubtful)
        self.judged(ran.said, words, *(judge.after_a_run(self.world) if settles else ()))
        return ran

    def crashed(
        self, kind: str, words: tuple[str, ...], share: int, what: str, doubtful: dict[str, Rows | None] | None = None
    ) -> None:
        """Run a command in which a fault strikes."""
        self.did(f"crash of {kind}")
        number = 1 + share % max(20, self.effects.get(words[0], 60))
        ran = self.world.run(*words, fault=Fault(number, what))
        STRUCK[f"{kind}: {what if ran.struck else 'not reached'}"] += 1
        self.settle_doubts(doubtful)
        self.judged(ran.said, (*words, f"{what} at effect {number}"))

    def judged(self, said: str, words: tuple[str, ...], *more: str) -> None:
        """Fail with every broken promise."""
        judge.becomes_good(self.world)
        broken = [*judge.always(self.world), *more]
        if "Traceback" in said:
            broken.append("a bug's traceback")
        self.world.before = self.world.seen
        self.is_over = bool(broken)
        assert not broken, "\n".join([f"after {' '.join(words)}, which said", said, *broken])

    def settle_doubts(self, doubtful: dict[str, Rows | None] | None) -> None:
        """Of a database that holds either the new rows or these, or is not there where these are None, take what is."""
        for name, old in (doubtful or {}).items():
            path = self.world.project.database(name)
            if old is None and not path.exists():
                self.world.live.pop(name, None)
            elif old is not None and rows_of(path) == old:
                self.world.live[name] = old

    def changes_nothing(self, *words: str) -> None:
        """Say the same again."""
        events, files = self.world.seen.events, self.world.project.files()
        ran = self.step(*words, settles=False)
        more = [event["type"] for event in self.world.seen.events[len(events) :]]
        assert not more, f"the second {words} appended {more}: {ran.said}"
        assert self.world.project.files() == files, f"the second {words} changed files"

    def forget_catalog(self) -> None:
        """Remove the catalog; of what its copies lack nothing is expected to come back."""
        kept = copied(self.world.project)
        seen = self.world.seen
        events = list(takewhile(lambda e: e["position"] <= kept.get(e["catalog_id"], 0), seen.events))
        CALLED["events lost with a catalog"] += len(seen.events) - len(events)
        for file in (self.folder / "catalog").glob("catalog.db*"):
            file.unlink()
        still = {event["backup_id"] for event in events if event["type"] == "pruned"}
        for row in seen.of("pruned"):
            if row["backup_id"] not in still and row["backup_id"] in self.world.published:
                self.world.harm[row["backup_id"]] = self.world.files_of(row["backup_id"])
        self.world.seen = Seen(events, seen.raw[: len(events)], seen.backups)

    def wish(self, which: int, *, newest: bool, beside: bool) -> tuple[tuple[str, ...], str, str]:
        """Return the words of a restore, the backup that they mean (empty for none), and its target."""
        one = self.pick(which)
        name = self.world.seen.backups[one]["database"]
        if newest:
            good = [row["backup_id"] for row in self.world.seen.of("good") if row["database"] == name]
            one = good[-1] if good else ""
        how = ("--latest",) if newest else ("--backup", one)
        to = ("--to", "copy") if beside else ()
        return (f"restore:local/{name}", "--force", *how, *to), one, "copy" if beside else name

    def can_restore(self, one: str) -> bool:
        """Say whether a restore of a backup has to succeed."""
        row = self.world.seen.backups.get(one)
        return row is not None and row["state"] == "good" and not self.world.is_harmed(one)

    def pick(self, which: int) -> str:
        """Return one of all backups."""
        ids = list(self.world.seen.backups)
        return ids[which % len(ids)]

    def did(self, kind: str) -> None:
        """Count a step."""
        MADE[kind] += 1


@pytest.fixture
def origin() -> Iterator[World]:
    """A world with some nights behind it, where every walk begins; the path of a drill's socket has to be short."""
    nursery = Nursery()
    with tempfile.TemporaryDirectory(prefix="vya-walk-") as folder:
        world = World.make(Path(folder), nursery)
        for number, hours in enumerate(NIGHTS):
            world.change("shop", f"INSERT INTO t VALUES ({-number}, 'night')")
            assert world.run("backup").status == 0
            assert not [*judge.always(world), *judge.after_a_run(world)]
            world.before = world.seen
            world.now += timedelta(hours=hours)
        assert world.run("hold", "--backup", next(iter(world.seen.backups)), "--reason", "walk").status == 0
        world.before = world.seen
        yield world
    nursery.close()


def test_no_walk_breaks_a_promise(
    origin: World, tmp_path: Path, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The short form always takes the same walks."""
    shutil.copytree(origin.project.folder, tmp_path / "template")
    Walk.origin, Walk.template = origin, tmp_path / "template"
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=LONG if long else SHORT,
            stateful_step_count=LONG_STEPS if long else SHORT_STEPS,
            derandomize=not long,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    with capsys.disabled():
        for title, counts in (("steps", MADE), ("faults", STRUCK), ("seen", CALLED)):
            print(
                f"\n{counts.total()} {title}: "
                + ", ".join(f"{kind} {number}" for kind, number in sorted(counts.items()))
            )
