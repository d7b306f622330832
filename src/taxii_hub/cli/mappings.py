"""``taxii-hub mappings``: list, show, check and accept mappings; write their READMEs."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from typing import Any

import click
import orjson

from taxii_hub.mapping.document import readme_of, readme_text
from taxii_hub.mapping.golden import Drift, drifts, samples
from taxii_hub.mapping.registry import Registry, load_registry
from taxii_hub.mapping.spec import Spec
from taxii_hub.settings import Settings


@click.group()
def mappings() -> None:
    """The report formats that can be converted."""


@mappings.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """Every mapping with its title, version and folder."""
    registry = _registry()
    if as_json:
        click.echo(orjson.dumps([_head(spec) for spec in registry]).decode())
        return
    for spec in registry:
        code = "" if spec.trusted else "  (its code is not trusted and does not run)"
        click.echo(f"{spec.format:32} {spec.format_version:8} {spec.title}  [{spec.folder}]{code}")


@mappings.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True)
def show(name: str, as_json: bool) -> None:
    """Where each source field of a mapping goes."""
    spec = _registry().get(name)
    if as_json:
        fields = {path: {"clean": field.cleaner, "note": field.note} for path, field in spec.fields.items()}
        click.echo(orjson.dumps({**_head(spec), "fields": fields, "ignore": dict(spec.ignore)}).decode())
        return
    click.echo(readme_text(spec), nl=False)


@mappings.command()
@click.argument("names", nargs=-1)
def check(names: tuple[str, ...]) -> None:
    """Whether mappings load, and give their goldens and READMEs; exit 1 where one does not."""
    wrong = 0
    for spec in _chosen(names):
        found = [_told(drift) for drift in drifts(spec)]
        if _stale(spec):
            found.append(f"{readme_of(spec)} is not up to date: run `taxii-hub mappings docs {spec.format}`")
        wrong += bool(found)
        for message in found:
            click.echo(message, err=True)
        click.echo(f"{spec.format}: {'NOT ' if found else ''}ok, {len(samples(spec))} samples")
    sys.exit(1 if wrong else 0)


@mappings.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
def accept(names: tuple[str, ...], dry_run: bool) -> None:
    """Take what mappings make of their samples now as their goldens; the diff is what a reviewer reads."""
    for spec in _chosen(names):
        for drift in drifts(spec):
            click.echo(f"{'would write' if dry_run else 'wrote'} {drift.golden}")
            if not dry_run:
                drift.golden.write_text(drift.actual, encoding="utf-8")


@mappings.command()
@click.argument("names", nargs=-1)
@click.option(
    "--check", "only_check", is_flag=True, help="Write nothing; exit 1 where a README is not up to date."
)
def docs(names: tuple[str, ...], only_check: bool) -> None:
    """Write the README of each mapping: source field → STIX property."""
    stale = [spec for spec in _chosen(names) if _stale(spec)]
    for spec in stale:
        click.echo(f"{'not up to date:' if only_check else 'wrote'} {readme_of(spec)}")
        if not only_check:
            readme_of(spec).write_text(readme_text(spec), encoding="utf-8")
    sys.exit(1 if stale and only_check else 0)


def _registry() -> Registry:
    return load_registry(Settings.from_environment().mappings_dir)


def _chosen(names: tuple[str, ...]) -> Iterator[Spec]:
    registry = _registry()
    return iter([registry.get(name) for name in names] if names else registry)


def _head(spec: Spec) -> dict[str, Any]:
    return {
        "format": spec.format,
        "format_version": spec.format_version,
        "title": spec.title,
        "folder": str(spec.folder),
        "trusted": spec.trusted,
        "samples": [sample.name for sample in samples(spec)],
    }


def _stale(spec: Spec) -> bool:
    path = readme_of(spec)
    return not path.is_file() or path.read_text(encoding="utf-8") != readme_text(spec)


def _told(drift: Drift) -> str:
    if drift.expected is None:
        return f"{drift.golden} is missing: look at what the sample gives, then `taxii-hub mappings accept`"
    lines = difflib.unified_diff(
        drift.expected.splitlines(), drift.actual.splitlines(), str(drift.golden), "now", n=1, lineterm=""
    )
    shown = [line for _, line in zip(range(60), lines, strict=False)]
    return "\n".join([*shown, "if this is what you want: `taxii-hub mappings accept`"])
