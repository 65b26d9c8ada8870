#!/usr/bin/env python3
"""Verifies an evidence file of VYA BackupDB, and needs nothing but Python 3.9 or newer.

    python3 verify.py EVIDENCE.zip [--key KEY]

The zip file itself is the better thing to verify: then no byte of it is left out. A folder that it was unpacked into
can be named instead; without a name it is the folder of this program. KEY is the public key that you were given by
another way than this file: 64 hexadecimal digits, or a file that holds them, or a PEM file. Without it the program
says which key signed, and believing that key is up to you.

Exit status: 0 all is as it was made, 1 it is not, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import base64
import csv
import gzip
import hashlib
import io
import json
import re
import struct
import sys
import zipfile
import zlib
from pathlib import Path

SUMS, SIGNATURE, CONTENTS, LOG = "SHA256SUMS", "SHA256SUMS.sig", "evidence.json", "answers/history.csv"
SUM_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9_.][A-Za-z0-9_./-]*)")
SIGNATURE_LINE = re.compile(rb"ed25519 ([0-9a-f]{64}) ([0-9a-f]{128})\n")
EVENT_LINE = re.compile(rb'\{"hash":"([0-9a-f]{64})","event":(\[.*\])\}\n', re.DOTALL)
CATALOG_ID, POSITION, AT, PREVIOUS = 0, 1, 3, 12  # where these stand in an event
PIECE = 1 << 20
UNREADABLE = (OSError, ValueError, LookupError, TypeError, EOFError, RuntimeError, csv.Error, struct.error, zlib.error)


class Broken(Exception):
    """Something is not as it was made."""


# ------------------------------------------------------------------ Ed25519, after RFC 8032, sections 5.1 and 6

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQUARE_ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def plus(a, b):
    """Add two points (x : y : z : t) of the curve, x*y = z*t."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    x, y, z, t = f - e, f + e, h + g, h - g
    return (x * t % P, y * z % P, z * t % P, x * y % P)


def times(number, point):
    """Add a point to itself so many times."""
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = plus(result, point)
        point, number = plus(point, point), number >> 1
    return result


def decompressed(encoded):
    """Return the point of an encoding, None where there is none."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * SQUARE_ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


BASE = decompressed((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(public, message, signature):
    """Say whether a signature (64 bytes) of a message is by the holder of a public key (32 bytes)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, commitment = decompressed(public), decompressed(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or s >= ORDER:
        return False
    challenge = hashlib.sha512(signature[:32] + public + message).digest()
    left, right = times(s, BASE), plus(commitment, times(int.from_bytes(challenge, "little") % ORDER, key))
    return all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


# ------------------------------------------------------------------ what is verified: a zip file, or a folder


class Zipped:
    """An evidence file. It is a zip file of the plainest form, so that it can be made again byte by byte."""

    def __init__(self, path):
        self.path, self.archive = path, zipfile.ZipFile(path)
        self.members = {info.filename: info for info in self.archive.infolist()}
        if len(self.members) != len(self.archive.infolist()):
            raise Broken("a name stands twice in the zip file")

    def names(self):
        return sorted(self.members)

    def open(self, name):
        return self.archive.open(self.members[name])

    def verify_form(self):
        """Compare every byte between and behind the members with what must stand there."""
        directory = b""
        with self.path.open("rb") as file:
            for name in self.names():
                with self.open(name) as member:
                    size, crc = 0, 0
                    for piece in iter(lambda: member.read(PIECE), b""):
                        size, crc = size + len(piece), zlib.crc32(piece, crc)
                place, raw = file.tell(), name.encode("ascii")
                same = (20, 0, 0, 0, 0x21, crc, size, size, len(raw), 0)
                header = struct.pack("<4s5H3L2H", b"PK\3\4", *same) + raw
                if file.read(len(header)) != header:
                    raise Broken("the zip file was changed before its member " + name)
                file.seek(size, io.SEEK_CUR)
                rest = (0, 0, 0, 0o100600 << 16, place)
                directory += struct.pack("<4s6H3L5H2L", b"PK\1\2", 0x0314, *same, *rest) + raw
            begin, count = file.tell(), len(self.members)
            end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), begin, 0)
            if file.read() != directory + end:
                raise Broken("the end of the zip file was changed")


class Unpacked:
    """A folder that an evidence file was unpacked into."""

    def __init__(self, path):
        self.path = path

    def names(self):
        found = (file for file in self.path.rglob("*") if not file.is_dir())
        return sorted(file.relative_to(self.path).as_posix() for file in found)

    def open(self, name):
        return (self.path / name).open("rb")

    def verify_form(self):
        """A folder has none."""


def whole(evidence, name):
    with evidence.open(name) as file:
        return file.read()


# ------------------------------------------------------------------ the checks


def verify_sums(evidence):
    """Compare each member with SHA256SUMS, which names all of them; return how many there are."""
    expected = {}
    text = whole(evidence, SUMS).decode("ascii")
    for line in text.split("\n")[:-1]:
        found = SUM_LINE.fullmatch(line)
        if not found or ".." in found[2] or found[2] in expected:
            raise Broken(SUMS + " has a line that is none: " + line[:80])
        expected[found[2]] = found[1]
    if not text.endswith("\n") or list(expected) != sorted(expected):
        raise Broken(SUMS + " is not as it is written")
    present = set(evidence.names()) - {SUMS, SIGNATURE}
    for name in sorted(present ^ set(expected)):
        raise Broken(name + (" is not in " + SUMS if name in present else " is missing"))
    for name, digest in expected.items():
        seen = hashlib.sha256()
        with evidence.open(name) as file:
            for piece in iter(lambda: file.read(PIECE), b""):
                seen.update(piece)
        if seen.hexdigest() != digest:
            raise Broken(name + " was changed: its SHA-256 is not the one in " + SUMS)
    return len(expected)


def verify_chain(evidence, chain, period):
    """Follow the hash chain through the events of one catalog; return their hashes and how many lie in the period."""
    hashes, within = bytearray(), 0
    before, position = chain["prev_hash"], chain["first"]
    with evidence.open(chain["file"]) as packed, gzip.open(packed) as lines:
        for line in lines:
            where = f"{chain['file']}: the event at position {position} "
            found = EVENT_LINE.fullmatch(line)
            if not found:
                raise Broken(where + "is no event")
            recorded, event = found[1].decode(), json.loads(found[2])
            if hashlib.sha256(found[2]).hexdigest() != recorded:
                raise Broken(where + "was changed: its content does not give its hash")
            if event[CATALOG_ID] != chain["catalog_id"] or event[POSITION] != position:
                raise Broken(where + "is missing, or is that of another place")
            if event[PREVIOUS] != before:
                raise Broken(where + "does not follow the one before it")
            within += period[0] <= event[AT] <= period[1]
            hashes += bytes.fromhex(recorded)
            before, position = recorded, position + 1
    if (position - 1, before) != (chain["last"], chain["last_hash"]):
        raise Broken(f"{chain['file']} ends at position {position - 1}, and not with the event {chain['last']}")
    return hashes, within


def verify_heads(evidence, contents, chains, seen):
    """Compare the hashes that others remember (sidecars, copies of the catalog) with the events that are here."""
    compared = 0
    for row in rows(evidence, contents["heads"]):
        chain = chains.get(row["catalog_id"])
        if chain and chain["first"] <= int(row["position"]) <= chain["last"]:
            if hash_at(seen, chains, row) != row["hash"]:
                raise Broken(f"{row['source']} remembers another event at position {row['position']}")
            compared += 1
    return compared


def verify_answers(evidence, contents, chains, seen):
    """Count the rows of each answer, and compare the audit log with the events that it tells of."""
    for answer in [*contents["answers"], contents["heads"]]:
        count = 0
        for row in rows(evidence, answer):
            count += 1
            if answer["file"] == LOG and not (row["hash"] and hash_at(seen, chains, row) == row["hash"]):
                raise Broken(f"{LOG} tells of an event that is not in the chain: {row['position']}")
        if count != answer["rows"]:
            raise Broken(f"{answer['file']} has {count} rows instead of {answer['rows']}")


def rows(evidence, answer):
    with evidence.open(answer["file"]) as file:
        yield from csv.DictReader(io.TextIOWrapper(file, "utf-8", newline=""), strict=True)


def hash_at(seen, chains, row):
    chain, position = chains.get(row["catalog_id"]), int(row["position"])
    if not chain or not chain["first"] <= position <= chain["last"]:
        return None
    place = 32 * (position - chain["first"])
    return seen[row["catalog_id"]][place : place + 32].hex()


def verify_signature(evidence, contents, trusted):
    """Return a sentence about who signed."""
    promised = contents["signature"]
    if SIGNATURE not in evidence.names():
        if promised["public_key"] or trusted:
            raise Broken("it is not signed, though the key %s should have" % (trusted or promised["public_key"]))
        return "NOT SIGNED: whoever could change this file could have made all of it"
    found = SIGNATURE_LINE.fullmatch(whole(evidence, SIGNATURE))
    if not found:
        raise Broken(SIGNATURE + " is no signature")
    key = found[1].decode()
    if not is_signed(bytes.fromhex(key), whole(evidence, SUMS), bytes.fromhex(found[2].decode())):
        raise Broken("the signature is not one of " + SUMS)
    for expected in (promised["public_key"], trusted):
        if expected and expected != key:
            raise Broken(f"it is signed by the key {key} and not by {expected}")
    if promised["public_key"] and promised["on_backup_host"]:
        return f"signed by {key}, a key that lies on the backup host itself"
    return f"signed by {key}" + ("" if trusted else ": compare it with the key that you were given (--key)")


def verify(evidence, trusted):
    """Make every check; return what was seen, in sentences."""
    evidence.verify_form()
    files = verify_sums(evidence)
    contents = json.loads(whole(evidence, CONTENTS))
    signed = verify_signature(evidence, contents, trusted)
    chains = {chain["catalog_id"]: chain for chain in contents["chains"]}
    seen, within = {}, 0
    for chain in contents["chains"]:
        seen[chain["catalog_id"]], number = verify_chain(evidence, chain, contents["period"])
        within += number
    told = sum(answer["rows"] for answer in contents["answers"] if answer["file"] == LOG)
    if told != within:
        raise Broken(f"the audit log has {told} rows, but {within} events lie in the period")
    verify_answers(evidence, contents, chains, seen)
    compared = verify_heads(evidence, contents, chains, seen)
    events = sum(len(hashes) // 32 for hashes in seen.values())
    return (
        f"{files} files are as they were made",
        f"{events} events in {len(chains)} unbroken chains, {compared} hashes that others remember compared",
        signed,
    )


def key_from(text):
    """Return a public key as hexadecimal digits, from these or from a file."""
    if re.fullmatch(r"[0-9a-f]{64}", text):
        return text
    content = Path(text).read_text("ascii").strip()
    if "BEGIN PUBLIC KEY" in content:
        return base64.b64decode("".join(content.split("\n")[1:-1]))[-32:].hex()
    if not re.fullmatch(r"[0-9a-f]{64}", content):
        raise ValueError("no public key")
    return content


def main():
    """Verify what the command line names."""
    csv.field_size_limit(1 << 30)
    parser = argparse.ArgumentParser(description="Verify an evidence file of VYA BackupDB.")
    parser.add_argument("evidence", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--key", default="", help="the public key that must have signed: 64 hex digits, or a file")
    options = parser.parse_args()
    try:
        trusted = key_from(options.key) if options.key else ""
    except (OSError, ValueError) as error:
        parser.error(f"--key: {error}")
    try:
        evidence = (Unpacked if options.evidence.is_dir() else Zipped)(options.evidence)
        sentences = verify(evidence, trusted)
    except Broken as error:
        print(f"FAILED: {error}")
        return 1
    except (*UNREADABLE, zipfile.BadZipFile) as error:
        print(f"FAILED: it cannot be read: {type(error).__name__}: {error}")
        return 1
    for sentence in sentences:
        print(sentence)
    print("VERIFIED")
    return 0


if __name__ == "__main__":
    sys.exit(main())
