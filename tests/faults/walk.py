"""Everything that happens to backups, as the rules of a random walk; each says what it promises."""

from __future__ import annotations

import json
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.faults import judge
from tests.faults.steps import CALLED, MADE, Steps
from tests.faults.world import STORED, instant

shares = st.integers(0, 10**6)
"""Picks one of something, or a place in it, whose number the walk does not know yet."""
names = st.sampled_from(["shop", "other"])
COMMANDS = ("backup", "backup --force", "backup --force", "verify", "prune", "drill", "hold")
faults = st.sampled_from(["KILL", "KILL", "KILL", "TOOLS", "EIO", "ENOSPC"])


class Walk(Steps):
    """One walk through a world of its own."""

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
        self.restore_one(self.pick(which), newest=newest, beside=beside)

    def restore_one(self, one: str, *, beside: bool, newest: bool = False) -> None:
        """Restore a backup by its id, or as the newest one, and judge."""
        self.did("restore beside" if beside else "restore over")
        words, chosen, target = self.wish(one, newest=newest, beside=beside)
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

    @rule(which=shares, how=st.sampled_from(["hold", "hold", "release", "look"]))
    def keep(self, which: int, how: str) -> None:
        """A hold on what is there is kept and ends; or somebody looks at the alarm of a database."""
        self.did(how)
        one = self.pick(which)
        row = self.world.seen.backups[one]
        about = ("--database", f"local/{row['database']}") if how == "look" else ("--backup", one)
        words = ("hold" if how == "hold" else "release", *about, "--reason", "walk")
        can = how != "hold" or row["state"] not in ("pruned", "failed", "abandoned")
        ran = self.step(*words, settles=False)
        assert (ran.status == 0) == can, ran.said
        if how != "look" and can:
            assert bool(self.world.seen.backups[one]["held"]) == (how == "hold")
            self.changes_nothing(*words)

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
            self.world.change(name, "VACUUM")

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
    @rule(which=shares, other=shares, place=shares, how=st.sampled_from(sorted(judge.HARMS)), wanted=st.booleans())
    def corrupt(self, which: int, other: int, place: int, how: str, wanted: bool) -> None:
        """A file of a good backup is changed behind everybody's back; perhaps it is just what a restore wants."""
        self.did(f"corrupt: {how}")
        good = [row["backup_id"] for row in self.world.seen.of("good")]
        judge.HARMS[how](self.world, good[which % len(good)], good[other % len(good)], place)
        self.judged("corrupt", ())
        if wanted:
            self.restore_one(good[which % len(good)], beside=bool(place % 2))

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
        command=st.sampled_from(COMMANDS),
        share=shares,
        what=faults,
    )
    def crash(self, command: str, share: int, what: str) -> None:
        """A command dies, loses its tools, or an effect of it fails."""
        if command == "backup":
            self.world.now += timedelta(days=1)
        words = {
            "drill": ("verify:local/shop", "--drill"),
            "hold": ("hold", "--backup", self.pick(share), "--reason", "w"),
        }
        self.crashed(command, words.get(command, tuple(command.split())), share, what)

    @precondition(lambda self: self.world.seen.of("good"))
    @rule(which=shares, newest=st.booleans(), beside=st.booleans(), share=shares, what=faults)
    def crash_restore(self, which: int, newest: bool, beside: bool, share: int, what: str) -> None:
        """A restore dies: the old rows stand, or the restored ones."""
        words, chosen, target = self.wish(self.pick(which), newest=newest, beside=beside)
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
