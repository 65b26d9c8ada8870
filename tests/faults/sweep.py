"""Lets one command fail or die at each of its effects in turn, and judges what is left after each.

Each fault meets a fresh copy of one prepared project, so that its number always means the same call.
"""

from __future__ import annotations

import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from pathlib import Path

from tests.faults import promises
from tests.faults.tracing import Call, Fault, effects, environment, inject, was_injected
from tests.project import Outcome, Project

ERRORS = {
    "openat": ("EIO", "EACCES", "ENOSPC"), "write": ("EIO", "ENOSPC"), "pwrite64": ("EIO", "ENOSPC"),
    "fsync": ("EIO", "ENOSPC"), "fdatasync": ("EIO",), "connect": ("ECONNREFUSED",), "sendto": ("ECONNRESET",),
    "unlink": ("EIO", "EACCES"), "mkdir": ("EACCES", "ENOSPC"), "link": ("EIO", "ENOSPC", "EACCES"),
    "execve": ("EACCES",), "vfork": ("EAGAIN",), "clone3": ("EAGAIN",), "clone": ("EAGAIN",),
}  # fmt: skip
SEED = 20260109


def faults_of(call: Call) -> Iterator[Fault]:
    """Yield every error that the kernel may answer a call with, and death at it."""
    for error in ERRORS.get(call.name, ("EIO",)):
        yield Fault(call, error)
    yield Fault(call, "KILL")


Hurt = Callable[[Project, tuple[str, ...]], Outcome]
"""Runs a command so that something befalls it."""


@dataclass(frozen=True)
class Scenario:
    """One command on a prepared project."""

    name: str
    words: tuple[str, ...]
    prepare: Callable[[Path], Project]
    judge: Callable[[Project], Iterator[str]]
    """Says what is wrong with the databases, at any time."""
    tools: tuple[str, ...] = ()
    """Words of argv that pick the children to sweep, besides the run itself."""
    converged: Callable[[Project], Iterator[str]] = lambda project: iter(())
    """Says what is missing once the command has succeeded."""
    repeatable: bool = True
    """Whether running it once more must not append anything."""
    reset: Callable[[], object] = lambda: None
    """Brings what is not in the project's folder, a server's databases, to where it was before each fault."""
    mended: Callable[[Project], Iterator[str]] = lambda project: iter(())
    """Says what is wrong once any other run came by: the old or the new must stand, and nothing beside it."""
    without_catalog: bool = False
    """Whether the catalog is lost just before the command, which makes it again and is refused where it stands."""
    telling: tuple[str, ...] = ()
    """Each picks, of all faults in words, the last that it fits: these are always tried."""

    def again(self, project: Project) -> tuple[str, ...]:
        """Return the words that bring about what the command was to."""
        return ("backup",) if self.without_catalog and project.catalog.exists() else self.words

    def spared(self, project: Project) -> frozenset[str]:
        """Return the good backups that may be gone: those that a prune gave up."""
        return frozenset(promises.given_up(project)) if "prune" in self.words else frozenset()

    faults: Callable[[Call], Iterator[Fault]] = faults_of


@dataclass
class Report:
    """What a sweep came to."""

    scenario: str
    calls: Counter[str] = field(default_factory=Counter)
    injections: int = 0
    missed: int = 0
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        calls = ", ".join(f"{name} {number}" for name, number in sorted(self.calls.items()))
        return (
            f"{self.scenario}: {self.calls.total()} system calls ({calls}); {self.injections} injections,"
            f" {self.missed} of them not reached; {len(self.broken)} broken promises"
            + "".join(f"\n  {line}" for line in self.broken)
        )


@dataclass(frozen=True)
class Part:
    """Which faults of a sweep are tried: a `sample` of so many, or every `of`-th one from the `number`-th on."""

    sample: int | None = None
    number: int = 1
    of: int = 1

    def faults(self, scenario: Scenario, found: list[Fault]) -> list[Fault]:
        """Return them; a sample begins with what tells most, and goes on by a fixed seed."""
        if self.sample is None:
            return found[self.number - 1 :: self.of]
        fitting = [[fault for fault in found if re.search(words, fault.in_full)][-1] for words in scenario.telling]
        return [*fitting, *_sampled(found, self.sample)][: max(self.sample, len(fitting))]


def sweep(scenario: Scenario, folder: Path, part: Part) -> Report:
    """Sweep a command: every fault in the run and in its tools, or a part of them."""
    template = template_of(scenario, folder)
    report = Report(scenario.name)
    faults: list[Fault] = []
    for tool in ("", *scenario.tools):
        scenario.reset()
        calls = effects(_staged(scenario, copied(template, folder / "swept")), scenario.words, tool)
        assert calls, f"nothing of {tool or 'the run'} was seen"
        report.calls.update(call.name for call in calls)
        faults += [fault for call in calls for fault in scenario.faults(call)]
    for fault in part.faults(scenario, faults):
        project = copied(template, folder / "swept")
        scenario.reset()
        report.injections += 1
        report.broken += [f"{fault}: {broken}" for broken in suffered(scenario, project, partial(_hurt, report, fault))]
    return report


def _hurt(report: Report, fault: Fault, project: Project, words: tuple[str, ...]) -> Outcome:
    done = inject(project, words, fault)
    report.missed += not was_injected(project, fault)
    return done


def template_of(scenario: Scenario, folder: Path) -> Project:
    """Return a scenario's project, to be copied to where it was made: a database that moved is another one, and due."""
    return copied(scenario.prepare(_new(folder / "swept")), folder / "template")


def suffered(scenario: Scenario, project: Project, hurt: Hurt) -> Iterator[str]:
    """Run the command with a fault; yield what is not as promised then, after the next run, after the same again."""
    before = promises.good_backups(project)
    done = hurt(_staged(scenario, project), scenario.words)
    if "Traceback" in done.said:
        yield f"a bug's traceback: {done.said.strip().splitlines()[-1]}"
    yield from promises.of_processes(project)
    yield from scenario.judge(project)
    if project.catalog.exists():
        yield from promises.of_good_backups(project, before, scenario.spared(project))
        if done.status == 0:
            missing = [*scenario.converged(project), *promises.of_copies(project)]
            yield from (f"it is said to be done, yet {one}" for one in missing)
        if scenario.words[-1] != "backup":
            yield from _mended(scenario, project)
    yield from recovered(scenario, project, before)


def _staged(scenario: Scenario, project: Project) -> Project:
    if scenario.without_catalog:
        project.lose_catalog()
    return project


def _mended(scenario: Scenario, project: Project) -> Iterator[str]:
    """Let another command come by, as the nightly run does."""
    other = _clean(project, ("backup",))
    if other.status:
        yield f"the next run ends with {other.status}: {other.said.strip()[-300:]}"
    yield from promises.of_leftovers(project)
    yield from scenario.judge(project)
    yield from scenario.mended(project)


def recovered(scenario: Scenario, project: Project, before: dict[str, dict[str, object]]) -> Iterator[str]:
    """Run the command again, and once more; yield what is not as promised."""
    again = _clean(project, scenario.again(project))
    if again.status:
        yield f"the same command ends with {again.status}: {again.said.strip()[-300:]}"
    yield from promises.of_good_backups(project, before, scenario.spared(project))
    yield from promises.of_leftovers(project)
    yield from promises.of_copies(project)
    yield from scenario.judge(project)
    yield from scenario.converged(project)
    if any(promises.of_scratch(project)):
        _clean(project, ("backup", "--force"))
        yield from promises.of_scratch(project)
    if scenario.repeatable:
        was = (project.events(), project.files())
        once_more = _clean(project, scenario.again(project))
        if once_more.status or (project.events(), project.files()) != was:
            yield f"once more changes something: {once_more.said.strip()[-300:]}"


def _clean(project: Project, words: tuple[str, ...]) -> Outcome:
    return project.run(*words, **environment(project))


def _sampled(faults: list[Fault], number: int) -> list[Fault]:
    """Pick some faults, by a fixed seed, as evenly over the kinds of calls as can be: most calls are page writes."""
    chance = random.Random(SEED)
    by_call: dict[str, list[Fault]] = {}
    for fault in chance.sample(faults, len(faults)):
        by_call.setdefault(f"{fault.call.name} {fault.call.tool}", []).append(fault)
    turns = [fault for turn in zip_longest(*by_call.values()) for fault in turn if fault]
    return turns[:number]


def _new(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def copied(template: Project, folder: Path) -> Project:
    """Copy a project to a folder of one name, since paths are in the arguments of calls and in files."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template.folder, folder, symlinks=True)
    return Project(folder)
