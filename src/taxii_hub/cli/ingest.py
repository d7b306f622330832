"""``taxii-hub ingest``: a report file into a collection, and a receipt that a tired person understands."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson

from taxii_hub.bootstrap import open_hub
from taxii_hub.cli.acting import operator
from taxii_hub.cli.ingest_views import has_problems, words
from taxii_hub.errors import HubError, ReportError
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.ingest import Ingest
from taxii_hub.exchange.ingest import ingest as run_ingest
from taxii_hub.ledger.leaves import legible
from taxii_hub.mapping.detect import detect
from taxii_hub.mapping.registry import Registry, registry_of
from taxii_hub.model import Receipt
from taxii_hub.settings import Settings

LONG_FILE = 256 * 1024

CLEAN, PROBLEMS, REFUSED = 0, 3, 1


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--to", required=True, metavar="ROOT/COLLECTION", help="Where it goes: un-gcts/designations.")
@click.option("--agency", help="On whose behalf; needed where the collection has several writers.")
@click.option("--mapping", help="The report's format, where it is not to be detected.")
@click.option(
    "--minimise",
    "profile",
    metavar="PROFILE",
    help="As `convert --minimise` does it; default: what the collection says.",
)
@click.option("--edition", metavar="DATE", help="The edition's date, where the file says none.")
@click.option("--list", "source_list", metavar="NAME", help="Which list it is, where one format has several.")
@click.option("--backfill", is_flag=True, help="Take an edition that is older than the newest one.")
@click.option(
    "--allow-mass-revocation",
    is_flag=True,
    help="Take an edition that revokes much of the list (see --diff).",
)
@click.option("--strict", is_flag=True, help="Publish nothing of a report that has problems.")
@click.option("--diff", is_flag=True, help="Show what the edition changes, record by record; store nothing.")
@click.option("--dry-run", is_flag=True, help="Check everything, store nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON receipt a line.")
def ingest(files: tuple[Path, ...], as_json: bool, diff: bool, **options: Any) -> None:
    """Convert report FILES to STIX and publish what they change in a collection.

    An edition of a list is compared with the ones before: new records are added, changed ones get a
    new version, vanished ones are revoked. The same file again changes nothing. Works beside a running
    hub.

    Exit codes: 0 clean, 1 refused (nothing of that file was stored), 3 stored with problems.
    """
    options["dry_run"] = options["dry_run"] or diff
    sys.exit(asyncio.run(_ingest_all(files, {**options, "details": diff}, as_json)))


async def _ingest_all(files: tuple[Path, ...], options: dict[str, Any], as_json: bool) -> int:
    settings = Settings.from_environment()
    registry = registry_of(settings)
    worst = CLEAN
    async with open_hub(settings) as hub:
        for path in _found(registry, files):
            with _bar(path, "reading", as_json) as reading, _bar(path, "publishing", as_json) as publishing:
                wanted = Ingest(path=path, progress=reading, publishing=publishing, **options)
                try:
                    await _record(hub, wanted)
                    receipt = await run_ingest(hub, registry, wanted)
                except HubError as error:
                    said = str(error)
                    named = said.startswith(f"{path.name}:")
                    click.echo(said if named else f"{path.name}: {said}", err=True)
                    worst = REFUSED
                    continue
            if as_json:
                click.echo(orjson.dumps(asdict(receipt)).decode())
            else:
                click.echo(words(receipt, details=options["details"]))
            worst = REFUSED if _refused(receipt, options) else worst
            worst = worst or (PROBLEMS if has_problems(receipt) else CLEAN)
    return worst


async def _record(hub: Hub, wanted: Ingest) -> None:
    """Who took the report in: what the log says of its objects names the agency only."""
    if not wanted.dry_run:
        said = {"to": wanted.to, "of": wanted.agency, "mapping": wanted.mapping}
        await hub.audit.act("ingest", operator(), file=legible(wanted.path.name), **said)


def _refused(receipt: Receipt, options: dict[str, Any]) -> bool:
    """Whether the dry run was one of an edition that would be refused."""
    changes = receipt.changes
    return changes is not None and changes.mass_revocation and not options["allow_mass_revocation"]


def _found(registry: Registry, files: tuple[Path, ...]) -> list[Path]:
    """The reports: files, and folders that are one report; of any other folder the files in it."""
    return [
        path
        for given in files
        for path in (
            [given] if _is_one(registry, given) else sorted(p for p in given.iterdir() if p.is_file())
        )
    ]


def _is_one(registry: Registry, given: Path) -> bool:
    if not given.is_dir():
        return True
    try:
        detect(registry, given, given.name)
    except ReportError:
        return False
    return True


def _bar(path: Path, label: str, quiet: bool) -> AbstractContextManager[Callable[[int, int], None] | None]:
    """A bar on a terminal, for a file that takes a while."""
    if quiet or not sys.stderr.isatty() or not path.is_file() or path.stat().st_size < LONG_FILE:
        return nullcontext()
    return _Bar(f"{path.name}, {label}")


class _Bar(AbstractContextManager[Callable[[int, int], None]]):
    """Appears with the first news, which says how much there is."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar: Any = None

    def __enter__(self) -> Callable[[int, int], None]:
        return self._show

    def _show(self, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = click.progressbar(length=total, label=self._label, file=sys.stderr)
            self._bar.__enter__()
        self._bar.update(done - self._bar.pos)

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.__exit__(*error)
