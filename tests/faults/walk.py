"""Everything that happens to backups, as the steps of a random walk; each says what it promises.

The rule: every choice comes from the walk's own chance, so that its seed tells all of it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import timedelta

from tests.faults import judge
from tests.faults.steps import CALLED, Steps
from tests.faults.world import FILLER, STORED, World, instant

NAMES = ("shop", "other")
HOURS = (-24 * 9, -24, -3, 5, 24, 24, 24, 48, 24 * 8, 24 * 33)
CHANGES = {
    "insert": "INSERT INTO t VALUES ({number}, 'new')",
    "update": "UPDATE t SET w = '{number}' WHERE v = 1",
    "grow": FILLER,
    "empty": "DELETE FROM t WHERE v <> 1",
}
"""What an owner does; an update leaves as many rows as there were, so that only the bytes tell two dumps apart."""
PLACES = 10**6


class Walk(Steps):
    """One walk through a world of its own."""

    def __init__(self, world: World, chance: random.Random) -> None:
        super().__init__(world, chance)
        self._hand: list[Callable[[], None]] = []

    def go(self) -> None:
        """Take a step: each kind comes as often as its number says in every hand, in an order of chance."""
        if not self._hand:
            self._hand = [step for step, number in self._cards() for _ in range(number)]
            self.chance.shuffle(self._hand)
        self._hand.pop()()

    def _cards(self) -> list[tuple[Callable[[], None], int]]:
        plain = [
            (self.back_up, 1), (self.back_up_by_force, 2), (self.verify, 1), (self.prune, 2), (self.drill, 1),
            (self.restore, 2), (self.hold, 2), (self.release, 1), (self.look, 1),
            (self.change, 4), (self.step_clock, 3), (self.step_clock_to_a_backup, 1), (self.bring_back, 1),
            (self.crash_backup, 3), (self.crash_prune, 3), (self.crash_restore, 4), (self.crash_another, 2),
            (self.lose_catalog, 1), (self.crash_rebuild, 1),
        ]  # fmt: skip
        return [*plain, *((lambda how=how: self.corrupt(how), 1) for how in judge.HARMS)]

    def last_night(self) -> None:
        """Let a last night pass, and judge once more."""
        for step in (self.prune, self.back_up, self.verify, self.prune):
            step()

    # ----------------------------------------------------------------- commands

    def back_up(self) -> None:
        """Whatever is due is dumped, and then nothing is; a file that changed is read again first, and damaged."""
        self.did("backup")
        number = len(self.world.seen.events)
        ran = self.step("backup")
        if ran.status and {"damaged", "missing"} & {e["type"] for e in self.world.seen.events[number:]}:
            ran = self.step("backup")
        assert ran.status == 0, ran.said
        assert not judge.due(self.world), "due although the backup succeeded"
        self.changes_nothing("backup")

    def back_up_by_force(self) -> None:
        """Everything is dumped again, and what nobody has read back yet is read beside it."""
        self.did("backup --force")
        waiting = self.world.seen.of("running")
        ran = self.step("backup", "--force")
        assert ran.status == 0 or any(self.world.is_dump_harmed(row["backup_id"]) for row in waiting), ran.said
        assert not self.world.seen.of("running"), "dumped, and still not read back"

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
        plan = {one["database"]: one["work"] for one in json.loads(self.step("plan", "--json", settles=False).out)}
        missed = [name for name in judge.due(self.world) & plan.keys() if plan[name] == "nothing"]
        assert not missed, f"{missed} have no good backup of today, and are not due"

    def prune(self) -> None:
        """What goes is judged by `judge`; then nothing more goes."""
        self.did("prune")
        number = self.world.seen.count("pruned")
        self.step("prune")
        CALLED["pruned"] += self.world.seen.count("pruned") - number
        self.changes_nothing("prune")

    def drill(self) -> None:
        """What is proved was whole."""
        name = self.chance.choice(NAMES)
        if not self.good(name):
            self.back_up()
        self.did("drill")
        one = self.good(name)[-1]
        ran = self.step("verify:local/" + name, "--drill")
        if self.world.is_dump_harmed(one):
            assert ran.status, f"{one} was proved, and is harmed: {ran.said}"
        elif not self.world.is_harmed(one):
            assert ran.status == 0, ran.said

    def restore(self) -> None:
        """Restore any backup, good or not, or the newest one."""
        self.restore_one(self.pick(), newest=self.flip(), beside=self.flip())

    def restore_one(self, one: str, *, newest: bool, beside: bool) -> None:
        """It brings back the rows that were dumped, or fails and leaves everything as it was."""
        self.did("restore beside" if beside else "restore over")
        words, chosen, target = self.wish(one, newest=newest, beside=beside)
        was = dict(self.world.live)
        is_sure, is_harmed = self.can_restore(chosen), not chosen or self.world.is_dump_harmed(chosen)
        if not is_harmed:  # beside a sidecar that is harmed it may be refused
            self.world.live[target] = self.world.dumped[chosen]
        ran = self.step(*words, doubtful={target: was.get(target)})
        if is_sure:
            assert ran.status == 0, ran.said
            assert self.world.live[target] == self.world.dumped[chosen]
        if is_harmed:
            assert ran.status, f"{chosen} was restored, and is harmed"
        if ran.status:
            CALLED["restore refused"] += 1
            assert self.world.live == was

    def hold(self) -> None:
        """A hold on what is there is kept."""
        self.did("hold")
        one = self.pick()
        can = self.world.seen.backups[one]["state"] not in ("pruned", "failed", "abandoned")
        self.keep("hold", "--backup", one, can=can)
        assert bool(self.world.seen.backups[one]["held"]) == can

    def release(self) -> None:
        """A hold ends; none is no mistake."""
        self.did("release")
        held = [row["backup_id"] for row in self.world.seen.backups.values() if row["held"]]
        one = self.chance.choice(held or [self.pick()])
        self.keep("release", "--backup", one, can=True)
        assert not self.world.seen.backups[one]["held"]

    def look(self) -> None:
        """Somebody looks at the alarm of a database."""
        self.did("look")
        self.keep("release", "--database", f"local/{self.chance.choice(NAMES)}", can=True)

    def keep(self, *words: str, can: bool) -> None:
        """Say a word about keeping, which is a promise from then on."""
        ran = self.step(*words, "--reason", "walk", settles=False)
        assert (ran.status == 0) == can, ran.said
        if can and "--backup" in words:
            self.changes_nothing(*words, "--reason", "walk")

    # ------------------------------------------------------------ what befalls it

    def change(self) -> None:
        """The database goes on living."""
        self.did("change")
        how = self.chance.choice(("insert", "update", "update", "update", "grow", "empty", "empty"))
        name = self.chance.choice(NAMES)
        self.world.change(name, CHANGES[how].format(number=len(self.trail)))
        if how == "empty":
            self.world.change(name, "VACUUM")

    def step_clock(self) -> None:
        """The clock goes on, or is set."""
        hours = self.chance.choice(HOURS)
        self.did("clock forwards" if hours > 0 else "clock backwards")
        self.world.now += timedelta(hours=hours)

    def step_clock_to_a_backup(self) -> None:
        """The clock is set to a moment at which there is a backup already."""
        self.did("clock backwards")
        row = self.world.seen.backups[self.pick()]
        self.world.now = instant(row["started_at"]).replace(microsecond=0) - timedelta(minutes=1)

    def corrupt(self, how: str) -> None:
        """A file of a good backup is changed behind everybody's back; then somebody wants it, or a run comes by."""
        good = self.good(self.chance.choice(NAMES))
        if not good:
            return
        self.did(f"corrupt: {how}")
        one = good[-1] if self.flip() else self.chance.choice(good)
        other = self.twin(one, good)
        judge.HARMS[how](self.world, one, other, self.chance.randrange(PLACES))
        self.judged("", ("corruption",))
        harmed = [each for each in (one, other) if self.world.is_dump_harmed(each)] or [one]

        def restore_it() -> None:
            self.restore_one(harmed[0], newest=self.chance.random() < 0.2, beside=self.flip())

        self.chance.choice([*[restore_it] * 4, self.becomes_due, self.back_up, self.verify, self.prune])()

    def bring_back(self) -> None:
        """Somebody brings the files of a backup back from a copy."""
        self.did("bring back")
        there = [one for one in sorted(self.world.harm) if self.world.seen.backups[one]["state"] in STORED]
        if there:
            one = self.chance.choice(there)
            for path, content in self.world.published[one].items():
                self.world.hurt(one, path, content)
            del self.world.harm[one]

    def lose_catalog(self) -> None:
        """The catalog is gone, and made again from the tree; only what no run could copy is lost."""
        self.did("catalog lost and rebuilt")
        self.forget_catalog()
        self.rebuild()

    def rebuild(self) -> None:
        """Make the catalog where there is none."""
        if not self.world.project.catalog.exists():
            self.step("catalog", "rebuild", settles=False)
        assert self.world.project.catalog.exists()

    # -------------------------------------------------------------------- crashes

    def crash_backup(self) -> None:
        """A night's dumps die, perhaps after a day with more than one; or some that were asked for."""
        self.did("crash of a backup")
        if self.flip():
            self.back_up_by_force()
            self.world.now += timedelta(days=2)
        if self.flip():
            self.world.now += timedelta(days=1)
            self.crashed("backup", ("backup",))
        else:
            self.crashed("backup --force", ("backup", "--force"))
        self.mended_by(self.back_up, self.back_up_by_force, self.verify, self.prune, self.prune)

    def crash_prune(self) -> None:
        """The prune after a new night dies, mostly of databases that somebody has looked at."""
        self.did("crash of a prune")
        self.world.now += timedelta(days=1)
        self.back_up()
        for name in sorted({self.world.seen.backups[one]["database"] for one in self.world.shrunk}):
            if self.chance.random() < 0.7:
                self.keep("release", "--database", f"local/{name}", can=True)
        self.crashed("prune", ("prune",))
        self.mended_by(self.back_up, self.verify, self.prune, self.prune)

    def crash_restore(self) -> None:
        """A restore dies: the old rows stand, or the restored ones."""
        self.did("crash of a restore")
        one, newest, beside = self.pick(), self.flip(), self.flip()
        words, chosen, target = self.wish(one, newest=newest, beside=beside)
        was = self.world.live.get(target)
        if chosen and not self.world.is_dump_harmed(chosen):
            self.world.live[target] = self.world.dumped[chosen]
        self.crashed("restore beside" if beside else "restore over", words, {target: was})
        again = [lambda: self.restore_one(one, newest=newest, beside=beside)] if chosen else []
        self.mended_by(self.back_up, self.verify, self.prune, *again)

    def crash_another(self) -> None:
        """A verification, a drill or a hold dies."""
        self.did("crash of another command")
        words = {
            "verify": ("verify",),
            "drill": (f"verify:local/{self.chance.choice(NAMES)}", "--drill"),
            "hold": ("hold", "--backup", self.pick(), "--reason", "walk"),
        }
        kind = self.chance.choice(sorted(words))
        self.crashed(kind, words[kind])
        self.mended_by(self.back_up, self.verify, self.prune)

    def crash_rebuild(self) -> None:
        """The catalog is lost, and its rebuild dies; then it is made all the same."""
        self.did("crash of a rebuild")
        self.forget_catalog()
        self.crashed("rebuild", ("catalog", "rebuild"))
        self.rebuild()
        self.mended_by(self.back_up, self.verify, self.prune)
