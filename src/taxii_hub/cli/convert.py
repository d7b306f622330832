"""``taxii-hub convert``: report files to a STIX bundle, without any database.

Exit codes: 0 converted, 3 converted with problems, 2 not convertible (with ``--strict``: also where
there are problems); 2 writes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
import orjson

from taxii_hub.errors import HubError, ReportError
from taxii_hub.mapping.convert import Conversion, ConvertOptions, bundle
from taxii_hub.mapping.convert import convert as convert_file
from taxii_hub.mapping.detect import detect
from taxii_hub.mapping.minimise import pseudonym_key
from taxii_hub.mapping.page import page
from taxii_hub.mapping.record import Progress
from taxii_hub.mapping.registry import Registry, registry_of
from taxii_hub.mapping.spool import Spool
from taxii_hub.mapping.words import problem_line, summary
from taxii_hub.settings import Settings

_LONG_FILE = 4 << 20
_SHOWN_PROBLEMS = 200


@dataclass(frozen=True, slots=True)
class _Request:
    files: tuple[Path, ...]
    mapping: str | None
    edition: str | None
    profile: str | None


@click.command("convert")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--mapping", metavar="NAME", help="The format, where it should not be detected.")
@click.option("--edition", metavar="DATE", help="The edition's date, where the file does not say it.")
@click.option(
    "--minimise", "profile", metavar="PROFILE", help="Coarsen, pseudonymise and drop as that profile says."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The bundle's file; default: standard output."
)
@click.option(
    "--account", type=click.Path(path_type=Path), help="Write the account of every source field (JSON)."
)
@click.option(
    "--account-page", type=click.Path(path_type=Path), help="Write the account as a page to read (HTML)."
)
@click.option("--strict", is_flag=True, help="Refuse (exit 2, nothing written) where there is any problem.")
@click.option("--json", "as_json", is_flag=True, help="The receipt on standard error as JSON.")
def convert(
    output: Path | None,
    account: Path | None,
    account_page: Path | None,
    strict: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Convert report FILES to one STIX 2.1 bundle; the format is recognised by content.

    Exit code: 0 converted, 3 converted with problems, 2 not convertible.
    """
    try:
        conversions = _converted(_Request(**asked))
        _tell(conversions, as_json)
        problems = any(made.problems for made in conversions)
        if problems and strict:
            raise ReportError("there are problems and --strict was given: nothing was written")
        if account is not None:
            _write(account, [orjson.dumps(_accounts(conversions), option=orjson.OPT_INDENT_2), b"\n"])
        if account_page is not None:
            names = [path.name for path in asked["files"]]
            _write(account_page, [page([made.account for made in conversions], names).encode()])
        _write(output, _bundle(conversions))
    except HubError as error:
        click.echo(f"not converted: {error}", err=True)
        sys.exit(2)
    sys.exit(3 if problems else 0)


def _converted(request: _Request) -> list[Conversion]:
    settings = Settings.from_environment()
    registry = registry_of(settings)
    return [_one(path, registry, settings, request) for path in request.files]


def _one(path: Path, registry: Registry, settings: Settings, request: _Request) -> Conversion:
    spec = registry.get(request.mapping) if request.mapping else detect(registry, path, path.name)
    with _progress(path) as progress:
        options = ConvertOptions(
            settings.id_namespace,
            progress,
            request.profile,
            request.edition,
            pseudonym_key=partial(pseudonym_key, settings.secrets),
        )
        return convert_file(spec, path, options)


@contextmanager
def _progress(path: Path) -> Iterator[Progress | None]:
    if not sys.stderr.isatty() or not path.is_file() or path.stat().st_size < _LONG_FILE:
        yield None
        return
    with click.progressbar(length=path.stat().st_size, label=path.name, file=sys.stderr) as bar:
        yield lambda done, _: bar.update(done - bar.pos)


def _tell(conversions: list[Conversion], as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(_accounts(conversions)).decode(), err=True)
        return
    for made in conversions:
        for problem in made.problems[:_SHOWN_PROBLEMS]:
            click.echo(problem_line(problem), err=True)
        if (more := len(made.problems) - _SHOWN_PROBLEMS) > 0:
            click.echo(f"… and {more} more problems; --account FILE lists them all", err=True)
        click.echo(summary(made), err=True)


def _accounts(conversions: list[Conversion]) -> Any:
    accounts = [made.account for made in conversions]
    return accounts[0] if len(accounts) == 1 else accounts


def _bundle(conversions: list[Conversion]) -> Iterator[bytes]:
    namespace = conversions[0].namespace
    if len(conversions) == 1:
        return bundle(conversions[0].data, namespace)
    together, known = Spool(), set()
    for item in (item for made in conversions for item in made.data):
        if (digest := sha256(item).digest()) not in known:
            known.add(digest)
            together.append(item)
    return bundle(together, namespace)


def _write(path: Path | None, pieces: Any) -> None:
    if path is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    # A file is replaced as a whole; a device or pipe such as /dev/null must stay what it is.
    special = path.exists() and not path.is_file()
    part = path if special else path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.writelines(pieces)
        if not special:
            part.replace(path)
    except OSError as error:
        raise ReportError(f"{path}: cannot be written ({error.strerror}); check folder and rights") from None
