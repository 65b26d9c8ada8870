"""Sign an evidence file that was made elsewhere, on the machine where the key is: a new file, equal but for that."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

from vya_backup.errors import ArtifactDamaged, UsageError
from vya_backup.jobs.evidence import CONTENTS, SIGNATURE, SUMS, signature_line
from vya_backup.settings.signing import Signer
from vya_backup.transport.archive import PIECE, Archive


def sign(source: Path, signer: Signer, archive: Archive) -> None:
    """Fill an archive with the members of an evidence file and a signature; what is not whole is not signed.

    Raises:
        UsageError: it is no evidence file, is signed already, or promises another key.
        ArtifactDamaged: a member is not what its sums say.
    """
    try:
        with zipfile.ZipFile(source) as file:
            _demand_unsigned(file, source, signer)
            sums = file.read(SUMS)
            for name in sorted(file.namelist()):
                _copy(file, name, archive)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise UsageError(f"{source} is no evidence file: {error}", "Make one with: doit evidence") from error
    told = "".join(f"{m.sha256}  {name}\n" for name, m in sorted(archive.members.items()) if name != SUMS).encode()
    if hashlib.sha256(told).digest() != hashlib.sha256(sums).digest():
        raise ArtifactDamaged(f"{source} is not what its {SUMS} says, and is not signed", "See: python3 verify.py")
    archive.add(SIGNATURE, signature_line(signer, sums))


def _demand_unsigned(file: zipfile.ZipFile, source: Path, signer: Signer) -> None:
    if SIGNATURE in file.namelist():
        raise UsageError(f"{source} is signed already")
    promised = json.loads(file.read(CONTENTS))["signature"]["public_key"]
    if promised not in {"", signer.public.hex()}:
        raise UsageError(
            f"{source} is to be signed by the key {promised}, and this one is {signer.public.hex()}",
            "Take that key, or set evidence.public_key and make the file anew.",
        )


def _copy(file: zipfile.ZipFile, name: str, archive: Archive) -> None:
    member = archive.member(name)
    with file.open(name) as content:
        for piece in iter(lambda: content.read(PIECE), b""):
            member.write(piece)
