"""How a walk takes a step: run a command, perhaps with a fault, and judge what it left."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from itertools import takewhile

from tests.faults import judge
from tests.faults.nursery import Fault, Ran
from tests.faults.world import A_RUN, A_STEP, Rows, Seen, World, copied, rows_of

MADE: Counter[str] = Counter()
"""Steps of each kind."""
STRUCK: Counter[str] = Counter()
"""Faults that came to pass, by what was running and what struck."""
CALLED: Counter[str] = Counter()
"""What came of it, so that a walk that met nothing is seen."""
LEFT: Counter[str] = Counter()
"""What faults left for the next run to mend, by the beginning of what the judge says of it."""
FAULTS = ("KILL", "KILL", "KILL", "EIO", "ENOSPC")
WITH_TOOLS = ("backup", "backup --force", "restore over", "restore beside", "drill")
MENDING_DIES = 0.25
"""How often the run that comes by after a crash is struck as well."""
TWICE = 0.4
"""How often a run is made again at once, which must change nothing."""


class Steps:
    """A world to walk through, and the ways to take a step; which ones there are is told by the walk."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.folder = world.project.folder
        self.trail: list[str] = []

    def step(self, *words: str, settles: bool = True, doubtful: dict[str, Rows | None] | None = None) -> Ran:
        """Run a command to its end and judge; `settles` says that it is a run, which leaves nothing behind."""
        ran = self.world.run(*words)
        self.trail.append(f"    {' '.join(words)}: exit {ran.status}")
        self.settle_doubts(doubtful)
        self.judged(ran.said, words, *(judge.after_a_run(self.world) if settles else ()))
        return ran

    def crashed(self, kind: str, words: tuple[str, ...], doubtful: dict[str, Rows | None] | None = None) -> None:
        """Run a command in which a fault strikes, mostly in the midst of the effects that a rehearsal counts."""
        effects = self.world.rehearse(*words)
        what = self.chance.choice([*FAULTS, "TOOLS"] if kind in WITH_TOOLS else FAULTS)
        fault = Fault(1 + int(effects * self.chance.betavariate(2, 2)), what)
        ran = self.world.run(*words, fault=fault)
        came = fault.what if ran.struck else "not reached" if effects else "had no effect"
        STRUCK[f"{kind}: {came}"] += 1
        self.trail.append(
            f"    {' '.join(words)}: {fault.what} at effect {fault.number} of {effects}, exit {ran.status}"
        )
        self.settle_doubts(doubtful)
        self.judged(ran.said, words)
        if self.world.project.catalog.exists():
            LEFT.update(sentence.partition(":")[0] for sentence in judge.after_a_run(self.world))

    def mended_by(self, *runs: Callable[[], None]) -> None:
        """Let the next run come by, which may be struck too; the judge of a run then finds nothing left over."""
        if self.chance.random() < MENDING_DIES:
            self.crashed("mending", self.chance.choice((("prune",), ("verify",), ("backup",))))
        self.chance.choice(runs)()

    def judged(self, said: str, words: tuple[str, ...], *more: str) -> None:
        """Fail with every broken promise."""
        judge.becomes_good(self.world)
        broken = [*judge.always(self.world), *more]
        if "Traceback" in said:
            broken.append("a bug's traceback")
        self.world.before = self.world.seen
        assert not broken, "\n".join([*broken, f"after {' '.join(words)}, which said", said])

    def settle_doubts(self, doubtful: dict[str, Rows | None] | None) -> None:
        """Of a database that holds either the new rows or these, or is not there where these are None, take what is."""
        for name, old in (doubtful or {}).items():
            path = self.world.project.database(name)
            if old is None and not path.exists():
                self.world.live.pop(name, None)
            elif old is not None and rows_of(path) == old:
                self.world.live[name] = old

    def changes_nothing(self, *words: str) -> None:
        """Say the same again, now and then."""
        if self.chance.random() > TWICE or judge.is_turning(self.world, words[0]):
            return
        events, files = self.world.seen.events, self.world.project.files()
        self.world.now -= A_STEP - A_RUN
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
        self.world.project.lose_catalog()
        still = {event["backup_id"] for event in events if event["type"] == "pruned"}
        for row in seen.of("pruned"):
            if row["backup_id"] not in still and row["backup_id"] in self.world.published:
                self.world.harm[row["backup_id"]] = self.world.files_of(row["backup_id"])
        self.world.seen = Seen(events, seen.raw[: len(events)], seen.backups)

    def wish(self, one: str, *, newest: bool, beside: bool) -> tuple[tuple[str, ...], str, str]:
        """Return the words of a restore of a backup or of the newest one beside it, which that is, and its target."""
        name = self.world.seen.backups[one]["database"]
        if newest:
            one = (self.good(name) or [""])[-1]
        how = ("--latest",) if newest else ("--backup", one)
        to = ("--to", "copy") if beside else ()
        return (f"restore:local/{name}", "--force", *how, *to), one, "copy" if beside else name

    def can_restore(self, one: str) -> bool:
        """Say whether a restore of a backup has to succeed."""
        row = self.world.seen.backups.get(one)
        return row is not None and row["state"] == "good" and not self.world.is_harmed(one)

    def good(self, name: str) -> list[str]:
        """Return the good backups of a database, oldest first."""
        return [row["backup_id"] for row in self.world.seen.of("good") if row["database"] == name]

    def pick(self) -> str:
        """Return a backup, mostly a good one."""
        good: list[str] = [row["backup_id"] for row in self.world.seen.of("good")]
        is_good = bool(good) and self.chance.random() < 0.8
        return self.chance.choice(good if is_good else list(self.world.seen.backups))

    def flip(self) -> bool:
        """Return either."""
        return self.chance.random() < 0.5

    def twin(self, one: str, good: list[str]) -> str:
        """Return mostly a backup with as many rows but others, which no count tells from this one, else any."""
        rows = self.world.dumped
        if self.chance.random() > 0.7:
            return str(self.chance.choice(self.world.seen.of("good"))["backup_id"])
        twins = [each for each in good if len(rows[each]) == len(rows[one]) and rows[each] != rows[one]]
        return self.chance.choice(twins or good)

    def did(self, kind: str) -> None:
        """Count a step."""
        MADE[kind] += 1
        self.trail.append(f"{kind}  {self.world.now:%Y-%m-%d %H:%M}")
