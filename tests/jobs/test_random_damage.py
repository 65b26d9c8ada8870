"""Damage at random places: none passes, and which check spoke is counted."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.engines.contract import Bench
from tests.jobs.looks import looked, now, paths
from vya_backup.errors import ArtifactDamaged
from vya_backup.jobs.checking import unpack
from vya_backup.transport.pipeline import silent


def test_every_random_flip_and_cut_is_found(bench: Bench, pytestconfig: pytest.Config) -> None:
    """Single bits and lengths of dump and sidecars, at random places: none passes, and which check spoke is counted."""
    rounds = 1000 if pytestconfig.getoption("--long") else 200
    row, chance, caught, done = bench.backup("shop"), random.Random(20260109), Counter[str](), Counter[str]()
    kept = {path: path.read_bytes() for path in paths(bench, row)}
    of_dump = paths(bench, row)[0]
    speaks = dict(zip(kept, ("digest", "checksum file", "metadata sidecar"), strict=True))
    for number in range(rounds):
        path = chance.choice(list(kept))
        deed = chance.choice(["flip", "flip", "cut"])
        path.write_bytes(harmed(kept[path], deed, chance))

        event = looked(bench, row)

        done[f"{deed} in {path.suffix}"] += 1
        caught.update(event.checks)
        assert event.verdict == "fail", f"{number}: {deed} in {path.name} was not found"
        assert speaks[path] in event.checks, f"{number}: {deed} in {path.name}: {event.checks}"
        assert now(bench, row).state == ("damaged" if path == of_dump else "good")
        path.write_bytes(kept[path])
    assert looked(bench, row).verdict == "pass"
    print(f"\n{rounds} of {rounds} found: {dict(done)}, by {dict(caught)}")


def test_flips_are_found_by_the_content_alone_where_the_digest_agrees(bench: Bench) -> None:
    """What a program recorded that hashed what it had damaged itself; only gzip's own header can hide a flip."""
    row, chance, header = bench.backup("shop"), random.Random(7), 10
    (path, *_) = paths(bench, row)
    kept = path.read_bytes()
    for _ in range(50):
        offset = chance.randrange(header, len(kept))
        path.write_bytes(kept[:offset] + bytes([kept[offset] ^ 1 << chance.randrange(8)]) + kept[offset + 1 :])
        believed = replace(row, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        with suppress(ArtifactDamaged):
            unpack(bench.workspace, believed, silent)
            pytest.fail(f"a flip at {offset} was not found")


def harmed(content: bytes, deed: str, chance: random.Random) -> bytes:
    """Return the content with one bit flipped, or without its end."""
    offset = chance.randrange(len(content))
    if deed == "cut":
        return content[:offset]
    return content[:offset] + bytes([content[offset] ^ 1 << chance.randrange(8)]) + content[offset + 1 :]
