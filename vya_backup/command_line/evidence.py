"""`doit evidence`: one file for the auditor about a period; `doit evidence sign`: its signature, where the key is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from vya_backup import clock
from vya_backup.command_line.guarding import guarded
from vya_backup.command_line.help_pages import Explained
from vya_backup.command_line.options import option
from vya_backup.command_line.session import configured, looking
from vya_backup.errors import StorageFailed, UsageError
from vya_backup.history.catalog import Catalog
from vya_backup.history.periods import period
from vya_backup.jobs.auditing import Verdict, audit_copy, audit_with_sidecars
from vya_backup.jobs.evidence import Order, Signing, gather
from vya_backup.jobs.evidence_signing import sign
from vya_backup.settings.model import Configuration
from vya_backup.settings.signing import public_key, signer
from vya_backup.transport.archive import Archive
from vya_backup.transport.storage import Store

VERIFY = "Verify it anywhere: python3 -m zipfile -e {0} evidence; python3 -I evidence/verify.py {0}"


class Evidence(Explained):
    """What auditors are given."""

    name = "evidence"
    doc_purpose = "make one signed file about a period, for auditors, which verifies itself; or sign one"
    doc_usage = "--from DATE --to DATE --output FILE.zip | sign FILE.zip --key KEY --output SIGNED.zip"
    cmd_options = (
        option("from", "the first day, such as 2026-01-01, or a moment in UTC"),
        option("to", "the last day, which is all of it, or a moment in UTC"),
        option("output", "the file to write; one that exists is never replaced"),
        option("catalog", "a published or merged copy to take, instead of the live catalog"),
        option("key", "to sign: the private Ed25519 key, in PEM"),
    )

    def execute(self, params: Any, args: Sequence[str]) -> int:
        """Make evidence, or sign it; expected failures are one line and an exit status."""
        return guarded(lambda: self._act(params, list(args)))

    def _act(self, params: Any, args: list[str]) -> int:
        words = []
        while args:
            if args[0].startswith("-"):
                params, args = self.cmdparser.parse_only(args, params)
            else:
                words.append(args.pop(0))
        if words[:1] == ["sign"]:
            return _sign(params, words[1:])
        if words or params["key"]:
            raise UsageError("evidence does not take " + (words[0] if words else "--key"), f"Say: {self.doc_usage}")
        return _make(params)


def _make(params: Any) -> int:
    of, output = period(str(params["from"]), str(params["to"])), _output(params)
    loaded = configured()
    with _opened(str(params["catalog"])) as (catalog, verdict), Archive() as archive:
        from vya_backup.outlook.evidence_report import render  # jinja2 is loaded by nobody else

        source = f"the copy {params['catalog']}" if params["catalog"] else "the live catalog"
        order = Order(of, clock.now(), source, _signing(loaded.configuration, catalog), verdict)
        findings = gather(catalog, order, render, archive)
        _publish(archive, output)
    events = sum(span.last - span.first + 1 for span in findings.spans)
    print(f"{output}: {events:,} events, {len(findings.rows)} answers. {_signed(order)}")
    print(VERIFY.format(output))
    for fault in verdict.faults:
        print(f"FAULT  {fault}")
    return 0 if verdict.ok else 1


@contextmanager
def _opened(copy: str) -> Iterator[tuple[Catalog, Verdict]]:
    """Give the live catalog or a copy, audited before anything of it is told."""
    if not copy:
        with looking() as workspace:
            yield workspace.catalog, audit_with_sidecars(workspace)
        return
    verdict = audit_copy(Path(copy))
    with closing(Catalog.open_copy(Path(copy))) as catalog:
        yield catalog, verdict


def _signing(configuration: Configuration, catalog: Catalog) -> Signing:
    keys, here = configuration.evidence, configuration.application.host()
    if keys.signing_key:
        on_backup_host = bool(catalog.rows("SELECT 1 FROM projected_backups WHERE host = ? LIMIT 1", (here,)))
        return Signing(signer(keys.signing_key), on_backup_host=on_backup_host)
    return Signing(public_key=public_key(keys.public_key)) if keys.public_key else Signing()


def _signed(order: Order) -> str:
    signing = order.signing
    if signing.signer:
        return "Signed by a key on this host, which it says." if signing.on_backup_host else "Signed."
    if signing.public_key:
        return "Not signed yet: take it to where the key is, and run: doit evidence sign"
    return "Not signed: no key is configured (evidence.public_key)."


def _sign(params: Any, words: list[str]) -> int:
    if len(words) != 1 or not params["key"]:
        raise UsageError(
            "evidence sign needs a file and a key", "Say: doit evidence sign FILE --key KEY --output SIGNED"
        )
    output, key = _output(params), signer(Path(params["key"]))
    with Archive() as archive:
        sign(Path(words[0]), key, archive)
        _publish(archive, output)
    print(f"{output}: signed by {key.public.hex()}")
    return 0


def _output(params: Any) -> Path:
    if not params["output"]:
        raise UsageError("--output is missing", "Say where to write the file: --output evidence.zip")
    output = Path(params["output"]).absolute()
    if output.exists():  # so that nobody waits for it; publishing replaces nothing either
        raise StorageFailed(f"{output} exists, and is never replaced", "Choose another name for --output.")
    return output


def _publish(archive: Archive, output: Path) -> None:
    with Store(output.parent).draft(output.name) as draft:
        archive.publish(draft)
