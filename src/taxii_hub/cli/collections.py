"""``taxii-hub collections``: the proposals in ``collections/*.yaml``, and the catalogue in force."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxii_hub.catalog import forms
from taxii_hub.catalog.changes import diff, refusals
from taxii_hub.catalog.documents import to_document
from taxii_hub.catalog.loader import read_files, read_texts
from taxii_hub.catalog.located import sentence
from taxii_hub.catalog.lookup import find_api_root, find_collection
from taxii_hub.catalog.standing import notices, standing_words
from taxii_hub.catalog.stanza import Stanza, insert
from taxii_hub.cli.accounts import EXIT_CODES, dry_run_option, json_option
from taxii_hub.cli.acting import author
from taxii_hub.cli.applying import Outcome, later_of, size_of
from taxii_hub.errors import CatalogError, StoreError
from taxii_hub.model import ApiRoot, Catalog, Collection
from taxii_hub.settings import Settings, shipped_dir

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub

FOLDER = click.Path(file_okay=False, path_type=Path)
folder_argument = click.argument("folder", metavar="[DIR]", required=False, type=FOLDER)
files_option = click.option(
    "--files", type=FOLDER, metavar="DIR", help="Read this folder's files, not the catalogue in force."
)


def shown_catalog(files: Path | None) -> Catalog:
    """The catalogue that a reading command shows."""
    settings = Settings.from_environment()
    return asyncio.run(_in_force(settings)) if files is None else _proposed(settings, files)


async def _in_force(settings: Settings) -> Catalog:
    from taxii_hub.bootstrap import open_hub

    async with open_hub(settings) as hub:
        return hub.catalog


def _proposed(settings: Settings, folder: Path | None) -> Catalog:
    catalog, problems = read_texts(read_files(folder or settings.collections_dir), _mappings(settings))
    if catalog is None:
        raise CatalogError("\n".join(sentence(problem) for problem in problems))
    return catalog


def _mappings(settings: Settings) -> frozenset[str]:
    """Names only: a mapping that is wrong inside does not make a catalogue wrong."""
    folders = {settings.mappings_dir, shipped_dir("mappings")}
    return frozenset(path.parent.name for folder in folders for path in folder.glob("*/mapping.yaml"))


@click.group(epilog=EXIT_CODES)
def collections() -> None:
    """Who shares what with whom.

    Files in collections/ are proposals; `apply` makes them the next version in force, which every
    running hub takes over within seconds. docs/catalogue.md explains every key.
    """


# --- reading -----------------------------------------------------------------------------------


@collections.command(epilog=EXIT_CODES)
@folder_argument
@json_option
def check(folder: Path | None, as_json: bool) -> None:
    """Look for everything that is wrong in the files of DIR; needs no database."""
    settings = Settings.from_environment()
    catalog, problems = read_texts(read_files(folder or settings.collections_dir), _mappings(settings))
    if as_json:
        found = [asdict(problem) for problem in problems]
        click.echo(json.dumps({"ok": not problems, "problems": found}, indent=2))
    elif catalog is not None:
        click.echo(f"Nothing is wrong: {size_of(catalog)}.")
    for problem in () if as_json else problems:
        click.echo(sentence(problem), err=True)
    if problems:
        raise SystemExit(1)


@collections.command("list", epilog=EXIT_CODES)
@click.argument("api_root", required=False)
@files_option
@json_option
def list_(api_root: str | None, files: Path | None, as_json: bool) -> None:
    """List the collections in force, or those of one API_ROOT."""
    catalog = shown_catalog(files)
    roots = catalog.api_roots if api_root is None else (_root(catalog, api_root),)
    if as_json:
        found = [_collection_json(each) for root in roots for each in root.collections]
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(_heading(catalog))
    for root in roots:
        click.echo(f"\n/{root.path}/  {root.title}  ({len(root.members)} members)")
        for each in sorted(root.collections, key=lambda one: one.alias):
            rights = (
                f"read by {len(each.read)}, written by {len(each.write)}, unmarked is {each.default_marking}"
            )
            retired = "  RETIRED" if each.retired else ""
            click.echo(f"  {each.alias:<16} {each.id}  {each.title}  ({rights}){retired}")


@collections.command(epilog=EXIT_CODES)
@click.argument("name", metavar="API_ROOT[/COLLECTION]")
@files_option
@json_option
def show(name: str, files: Path | None, as_json: bool) -> None:
    """Show everything about an API root, or about a collection of it (by alias or id)."""
    catalog = shown_catalog(files)
    path, _, wanted = name.strip("/").partition("/")
    root = _root(catalog, path)
    if not wanted:
        values = _root_json(root)
    else:
        collection = find_collection(root, wanted)
        if collection is None:
            known = ", ".join(sorted(each.alias for each in root.collections))
            raise click.UsageError(f"/{path}/ has no collection {wanted!r}; it has {known}")
        values = _collection_json(collection)
    click.echo(json.dumps(values, indent=2) if as_json else _lines(values))


# --- writing -----------------------------------------------------------------------------------


@collections.command(epilog=EXIT_CODES)
@click.argument("api_root")
@click.argument("alias")
@click.option("--title", required=True, help='One line without "." and ",".')
@click.option("--description")
@click.option("--read", multiple=True, default=("members",), show_default=True, help="May be repeated.")
@click.option("--write", multiple=True, default=("members",), show_default=True, help="May be repeated.")
@click.option("--default-marking", type=click.Choice(forms.MARKINGS))
@click.option("--validation", type=click.Choice(forms.VALIDATION))
@click.option("--accepts", multiple=True, metavar="MAPPING", help="May be repeated.")
@click.option("--files", type=FOLDER, metavar="DIR", help="The folder to write in.")
@dry_run_option
def new(api_root: str, alias: str, files: Path | None, dry_run: bool, **values: Any) -> None:
    """Write a collection with a fresh id into the file of API_ROOT.

    The file stays as it is if anything would be wrong with it afterwards.
    """
    settings = Settings.from_environment()
    folder = files or settings.collections_dir
    name = f"{api_root}.yaml"
    text, changed = _with_stanza(folder, name, Stanza(alias, **values), _mappings(settings))
    click.echo(text)
    if dry_run:
        return
    try:
        _replace_file(folder / name, changed)
    except OSError as error:
        raise CatalogError(f"{folder / name}: cannot be written ({error.strerror}); use --files") from error
    click.echo(f"Written into {folder / name}; `taxii-hub collections apply` puts it in force.", err=True)


def _with_stanza(folder: Path, name: str, stanza: Stanza, mappings: frozenset[str]) -> tuple[str, bytes]:
    """The stanza's text and the whole file with it, checked."""
    contents = read_files(folder)
    if name not in contents:
        raise CatalogError(f"{folder / name}: there is no such file; write it first (docs/catalogue.md)")
    changed, text = insert(name, contents[name], stanza)
    _, problems = read_texts(contents | {name: changed}, mappings)
    if problems:
        raise CatalogError("\n".join(sentence(problem) for problem in problems))
    return text, changed


def _replace_file(path: Path, data: bytes) -> None:
    """All or nothing, also when the machine stops in between."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(data)
    beside.chmod(path.stat().st_mode & 0o777)
    beside.replace(path)


@collections.command(epilog=EXIT_CODES)
@folder_argument
@dry_run_option
@json_option
def apply(folder: Path | None, dry_run: bool, as_json: bool) -> None:
    """Put the files of DIR in force, after showing who gains and loses what. Asks nothing.

    Members with `joining: history` are fed again what they could not read before.
    """
    settings = Settings.from_environment()
    proposal = _proposed(settings, folder)
    outcome = asyncio.run(_apply(settings, proposal, dry_run))
    click.echo(json.dumps(outcome.as_json(), indent=2) if as_json else outcome.as_text(proposal))


async def _apply(settings: Settings, proposal: Catalog, dry_run: bool) -> Outcome:
    from taxii_hub.bootstrap import open_hub
    from taxii_hub.exchange.gaining import feed_history, foreseen, gains_between, gains_by_date

    async with open_hub(settings) as hub:
        old = _known(hub)
        if refused := refusals(old, proposal):
            raise CatalogError("\n".join(refused))
        changes = diff(old, proposal)
        document, version = to_document(proposal), old.version if old is not None else 0
        gains, later = (look(old, proposal, hub.now()) for look in (gains_between, gains_by_date))
        if dry_run:
            await hub.catalogs.check(document)
            fed = await foreseen(hub, gains)
        else:
            version = (await hub.catalogs.apply(document, author(), version, [*gains, *later])).version
            fed = await feed_history(hub)
        told = notices(proposal, datetime.now(UTC).date())
        return Outcome(version, changes, told, fed, dry_run, later_of(proposal, later))


def _known(hub: Hub) -> Catalog | None:
    """As applied: an agreement that has ended since is no change that an apply makes."""
    try:
        return hub.catalogs.catalog
    except StoreError:
        return None


# --- how things are shown ----------------------------------------------------------------------


def _root(catalog: Catalog, path: str) -> ApiRoot:
    root = find_api_root(catalog, path)
    if root is None:
        known = ", ".join(each.path for each in catalog.api_roots)
        raise click.UsageError(f"there is no API root {path!r}; there are {known}")
    return root


def _heading(catalog: Catalog) -> str:
    if catalog.version == 0:
        return "Proposed by files"
    return f"In force: version {catalog.version} ({catalog.digest[:12]})"


def _collection_json(collection: Collection) -> dict[str, Any]:
    return _plain(asdict(collection))


def _root_json(root: ApiRoot) -> dict[str, Any]:
    memberships = [
        _plain(asdict(each)) | {"level": forms.LEVELS[each.level], "words": standing_words(each)}
        for each in root.memberships
    ]
    shown = {"collections": sorted(each.alias for each in root.collections), "memberships": memberships}
    return _plain(asdict(root)) | shown


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {key: _simple(value) for key, value in values.items()}


def _simple(value: Any) -> Any:
    match value:
        case frozenset():
            return sorted(value)
        case dict():
            return _plain(value)
        case tuple() | list():
            return [_simple(each) for each in value]
        case _:
            return value


def _lines(values: dict[str, Any]) -> str:
    lines = [f"{key:<20}{_words(value)}" for key, value in values.items() if key != "memberships"]
    members = values.get("memberships", ())
    return "\n".join([*lines, *(f"  {each['agency']:<18}{each['words']}" for each in members)])


def _words(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(value) or "-"
        case dict():
            told = ((key, each) for key, each in value.items() if each)
            return "; ".join(f"{key} {_words(each)}" for key, each in told) or "-"
        case None:
            return "-"
        case _:
            return str(value)
