"""``taxii-hub mappings``: list, show, check and accept mappings; write their READMEs and the template."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import orjson

from taxii_hub.errors import HubError, ReportError
from taxii_hub.mapping.convert import ConvertOptions
from taxii_hub.mapping.convert import convert as convert_file
from taxii_hub.mapping.detect import detect
from taxii_hub.mapping.document import readme_of, readme_text
from taxii_hub.mapping.draft import draft
from taxii_hub.mapping.golden import Drift, changed_ids, drifts, samples
from taxii_hub.mapping.minimise import pseudonym_key
from taxii_hub.mapping.registry import Registry, registry_of
from taxii_hub.mapping.spec import Spec
from taxii_hub.mapping.template import filled
from taxii_hub.mapping.words import problem_line, summary
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
        rest = {"fields": fields, "ignore": dict(spec.ignore), "profiles": sorted(spec.minimise)}
        click.echo(orjson.dumps({**_head(spec), **rest}).decode())
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
@click.option("--new-ids", is_flag=True, help="Ids may change though the version does not (never published).")
def accept(names: tuple[str, ...], dry_run: bool, new_ids: bool) -> None:
    """Take what mappings make of their samples now as their goldens; the diff is what a reviewer reads.

    Changed ids are refused where the mapping's version stays the same: every reader would get second objects.
    """
    refused = False
    for spec in _chosen(names):
        for drift in drifts(spec):
            if (gone := changed_ids(drift)) and not new_ids:
                click.echo(
                    f"{drift.golden}: {len(gone)} ids would change, such as {gone[0]}, while the version is "
                    f"{spec.format_version}: raise identity.version (or say --new-ids before the first release)",
                    err=True,
                )
                refused = True
                continue
            click.echo(f"{'would write' if dry_run else 'wrote'} {drift.golden}")
            if not dry_run:
                drift.golden.write_text(drift.actual, encoding="utf-8")
    sys.exit(1 if refused else 0)


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


@mappings.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--mapping", metavar="NAME", help="The format, where it should not be detected.")
@click.option("--edition", metavar="DATE", help="The edition's date, where the file does not say it.")
@click.option("--minimise", "profile", metavar="PROFILE", help="As `convert --minimise` does it.")
def run(file: Path, mapping: str | None, edition: str | None, profile: str | None) -> None:
    """What a mapping makes of a FILE: its objects, then the account of every field and the problems."""
    settings = Settings.from_environment()
    registry = registry_of(settings)
    try:
        spec = registry.get(mapping) if mapping else detect(registry, file, file.name)
        key = partial(pseudonym_key, settings.secrets)
        options = ConvertOptions(settings.id_namespace, edition=edition, profile=profile, pseudonym_key=key)
        made = convert_file(spec, file, options)
    except HubError as error:
        click.echo(f"not converted: {error}", err=True)
        sys.exit(2)
    for item in made.objects():
        click.echo(orjson.dumps(item, option=orjson.OPT_INDENT_2).decode())
    for entry in made.account["paths"]:
        went = ", ".join(f"{count} {bucket}" for bucket, count in entry["buckets"].items())
        click.echo(f"{entry['path']:44} {went:24} {'; '.join(entry['targets'])}")
    for problem in made.problems:
        click.echo(problem_line(problem), err=True)
    click.echo(summary(made), err=True)
    sys.exit(3 if made.problems else 0)


@mappings.command()
@click.argument("name")
@click.option("--sample", required=True, type=click.Path(path_type=Path), help="A report of the new format.")
@click.option(
    "--into", type=click.Path(path_type=Path), help="Where mappings are; default: TAXII_HUB_MAPPINGS_DIR."
)
def new(name: str, sample: Path, into: Path | None) -> None:
    """Draft a mapping NAME from a sample: every field of it is listed, to be decided upon."""
    folder = (into or Settings.from_environment().mappings_dir) / name
    try:
        text = draft(sample, name)
    except HubError as error:
        click.echo(f"not drafted: {error}", err=True)
        sys.exit(2)
    if (folder / "mapping.yaml").exists():
        click.echo(f"{folder} is there already; choose another name", err=True)
        sys.exit(2)
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    (folder / "mapping.yaml").write_text(text, encoding="utf-8")
    click.echo(f"wrote {folder / 'mapping.yaml'}; decide about what stands under todo:, then add samples")


@mappings.command()
@click.option(
    "--format", "container", type=click.Choice(["csv", "xlsx"]), help="Default: by the end of FILE, else csv."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Default: standard output."
)
def template(container: str | None, output: Path | None) -> None:
    """The hub's own report template, filled with an example of invented people: a row for each person,
    organisation, sighting or indicator.

    Replace the rows by your own and `taxii-hub convert` the file; `taxii-hub mappings show hub_report_csv`
    explains the columns. A FILE that exists is never overwritten.
    """
    if container is None:
        container = "xlsx" if output is not None and output.suffix.casefold() == ".xlsx" else "csv"
    data = filled(container)
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        with output.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise ReportError(f"{output} is there already, and may be filled; choose another name") from None
    except OSError as error:
        raise ReportError(
            f"{output}: cannot be written ({error.strerror}); check folder and rights"
        ) from None
    click.echo(f"wrote {output}; replace the rows by your own, then `taxii-hub convert {output}`", err=True)


def _registry() -> Registry:
    return registry_of(Settings.from_environment())


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
