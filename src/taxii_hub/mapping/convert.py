"""From a report file to STIX objects, record by record (DESIGN section 8)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from taxii_hub import __version__
from taxii_hub.errors import ReportError
from taxii_hub.mapping.edition import latest
from taxii_hub.mapping.minimise import Minimiser, PseudonymKey
from taxii_hub.mapping.order import Order
from taxii_hub.mapping.readers.dispatch import Source, opened
from taxii_hub.mapping.record import Progress
from taxii_hub.mapping.run import Run
from taxii_hub.mapping.spec import Spec
from taxii_hub.mapping.twins import Twinned
from taxii_hub.model import Problem
from taxii_hub.stix import ids


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """``namespace``: the deployment's own (setting id_namespace). ``profile``: a minimisation profile of
    the mapping; ``pseudonym_key`` is asked for where it pseudonymises. ``edition``: the edition's moment where the file does not say it. ``name``: what the
    file is called in problems. ``tlp1_twin``: mark with TLP 1 beside TLP 2.0."""

    namespace: UUID
    progress: Progress | None = None
    profile: str | None = None
    edition: str | None = None
    name: str | None = None
    converter: str = f"taxii-hub {__version__}"
    pseudonym_key: Callable[[], PseudonymKey] | None = None
    tlp1_twin: bool = False


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a file became. ``data``: one JSON text for each object, definitions first, the edition's
    report last (in a temporary file where they are many); every reference inside is to one of them. ``edition``: a STIX timestamp. ``made``: of
    every record, by its key, the ids of the objects whose version is the edition; what records share is
    not among them. ``failed``: the keys of the records that gave nothing (None where a record has none).
    ``source_list``: which list it is, where the format has several. ``whole``: the file is the whole list."""

    mapping: str
    edition: str
    sha256: str
    data: Sequence[bytes]
    problems: tuple[Problem, ...]
    account: dict[str, Any]
    records: int
    failed_records: int
    namespace: UUID
    made: Mapping[str, tuple[str, ...]]
    failed: tuple[str | None, ...]
    source_list: str
    whole: bool = True

    def objects(self) -> Iterator[dict[str, Any]]:
        """The objects, parsed."""
        for data in self.data:
            yield orjson.loads(data)

    def bundle(self) -> Iterator[bytes]:
        """A STIX bundle, piece by piece."""
        return bundle(self.data, self.namespace)


def bundle(data: Iterable[bytes], namespace: UUID) -> Iterator[bytes]:
    """A STIX bundle of objects given as bytes (read twice); its id says what is inside."""
    content = hashlib.sha256()
    for position, item in enumerate(data):
        content.update(item if position == 0 else b"\n" + item)
    head = {"type": "bundle", "id": ids.mint(namespace, "bundle", content.hexdigest())}
    yield orjson.dumps(head)[:-1] + b',"objects":[\n'
    for position, item in enumerate(data):
        yield item if position == 0 else b",\n" + item
    yield b"\n]}\n"


def convert(mapping: Spec, source: Source, options: ConvertOptions) -> Conversion:
    """Convert the whole report: a file, or the files or the folder that it is.

    One bad record is a located problem and costs its own objects only. The file's own faults raise
    ReportError: it cannot be read, is not well-formed (half a list is no list), says no edition.
    """
    name = options.name or (source.name if isinstance(source, Path) else source[0].name)
    minimiser = _minimiser(mapping, options)
    order = Order(name, options.namespace, options.converter, minimiser, options.edition)
    order = replace(order, edition=order.edition or latest(mapping, source, name))
    removed = minimiser.profile.dropped if minimiser is not None else ()
    with opened(mapping.reader, source, name, options.progress, removed) as report:
        run = Run(mapping, order, next(report.records), report.files)
        for record in report.records:
            run.take(record)
        sha256 = report.sha256()
    result = run.finish(sha256)
    return Conversion(
        mapping=mapping.format,
        edition=result.edition,
        sha256=sha256,
        data=Twinned(result.data) if options.tlp1_twin else result.data,
        problems=result.problems,
        account=result.account,
        records=result.records,
        failed_records=result.failed_records,
        namespace=options.namespace,
        made=result.made,
        failed=result.failed,
        source_list=result.source_list,
        whole=result.whole,
    )


def _minimiser(mapping: Spec, options: ConvertOptions) -> Minimiser | None:
    if options.profile is None:
        return None
    profile = mapping.minimise.get(options.profile)
    if profile is None:
        known = ", ".join(sorted(mapping.minimise)) or "none"
        raise ReportError(f"{mapping.format} has no profile {options.profile!r}; it has: {known}")
    if not profile.needs_key:
        return Minimiser(profile, None)
    if options.pseudonym_key is None:
        raise ReportError(f"{profile.name} makes pseudonyms, which needs the deployment's key for them")
    return Minimiser(profile, options.pseudonym_key())
