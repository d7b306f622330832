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
from taxii_hub.errors import HubError
from taxii_hub.exchange.ingest import Ingest
from taxii_hub.exchange.ingest import ingest as run_ingest
from taxii_hub.mapping.registry import load_registry
from taxii_hub.model import Problem, Receipt
from taxii_hub.settings import Settings

LONG_FILE = 256 * 1024
SHOWN = 20

CLEAN, PROBLEMS, REFUSED = 0, 3, 1


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--to", required=True, metavar="ROOT/COLLECTION", help="Where it goes: un-gcts/designations.")
@click.option("--agency", help="On whose behalf; needed where the collection has several writers.")
@click.option("--mapping", help="The report's format, where it is not to be detected.")
@click.option("--strict", is_flag=True, help="Publish nothing of a report that has problems.")
@click.option("--dry-run", is_flag=True, help="Check everything, store nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON receipt a line.")
def ingest(files: tuple[Path, ...], as_json: bool, **options: Any) -> None:
    """Convert report FILES to STIX and publish them into a collection.

    The same file again adds nothing. Works beside a running hub.

    Exit codes: 0 clean, 1 refused (nothing of that file was stored), 3 stored with problems.
    """
    sys.exit(asyncio.run(_ingest_all(files, options, as_json)))


async def _ingest_all(files: tuple[Path, ...], options: dict[str, Any], as_json: bool) -> int:
    settings = Settings.from_environment()
    registry = load_registry(settings.mappings_dir)
    worst = CLEAN
    async with open_hub(settings) as hub:
        for path in _found(files):
            with _progress(path, quiet=as_json) as progress:
                try:
                    receipt = await run_ingest(hub, registry, Ingest(path=path, progress=progress, **options))
                except HubError as error:
                    click.echo(f"{path.name}: {error}", err=True)
                    worst = REFUSED
                    continue
            click.echo(orjson.dumps(asdict(receipt)).decode() if as_json else words(receipt))
            worst = worst or (PROBLEMS if _has_problems(receipt) else CLEAN)
    return worst


def _found(files: tuple[Path, ...]) -> list[Path]:
    return [
        path
        for given in files
        for path in (sorted(p for p in given.iterdir() if p.is_file()) if given.is_dir() else [given])
    ]


def _progress(path: Path, *, quiet: bool) -> AbstractContextManager[Callable[[int, int], None] | None]:
    """A bar on a terminal, for a file that takes a while."""
    if quiet or not sys.stderr.isatty() or not path.is_file() or path.stat().st_size < LONG_FILE:
        return nullcontext()
    return _Bar(path)


class _Bar(AbstractContextManager[Callable[[int, int], None]]):
    def __init__(self, path: Path) -> None:
        self._bar: Any = click.progressbar(length=path.stat().st_size, label=path.name, file=sys.stderr)

    def __enter__(self) -> Callable[[int, int], None]:
        self._bar.__enter__()
        return lambda read, _total: self._bar.update(read - self._bar.pos)

    def __exit__(self, *error: object) -> None:
        self._bar.__exit__(*error)


def _has_problems(receipt: Receipt) -> bool:
    failed = receipt.status is not None and any(not outcome.ok for outcome in receipt.status.outcomes)
    return failed or bool(receipt.problems)


def words(receipt: Receipt) -> str:
    """The receipt for a person."""
    status = receipt.status
    outcomes = status.outcomes if status is not None else ()
    refused = [outcome for outcome in outcomes if not outcome.ok]
    stored = status.stored if status is not None else 0
    there = len(outcomes) - len(refused) - stored
    lines = [
        f"{receipt.source}: {receipt.mapping}",
        f"  records   {receipt.records} read, {receipt.failed_records} could not be converted",
        f"  fields    {receipt.leaves}: " + ", ".join(f"{n} {name}" for name, n in receipt.buckets if n),
        f"  objects   {receipt.objects} made: "
        + ("would be stored " if receipt.dry_run else "stored ")
        + f"{stored}, there already {there}, refused {len(refused)}",
    ]
    lines += [f"  refused   {outcome.id}: {outcome.message}" for outcome in refused[:SHOWN]]
    lines += [f"  problem   {_problem(problem)}" for problem in receipt.problems[:SHOWN]]
    hidden = max(0, len(refused) - SHOWN) + max(0, len(receipt.problems) - SHOWN)
    if hidden:
        lines.append(f"  … and {hidden} more; --json shows all")
    if receipt.dry_run:
        lines.append("  dry run   nothing was stored")
    elif status is not None:
        lines.append(f"  status    {status.id}")
    return "\n".join(lines)


def _problem(problem: Problem) -> str:
    place = f"line {problem.line}" if problem.line else ""
    parts = [place, problem.record or "", problem.path or ""]
    where = ", ".join(part for part in parts if part)
    value = f" ({problem.value!r})" if problem.value else ""
    remedy = f": {problem.remedy}" if problem.remedy else ""
    return f"{where}: {problem.message}{value}{remedy}" if where else f"{problem.message}{value}{remedy}"
