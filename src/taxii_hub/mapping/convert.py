"""From a report file to STIX objects, record by record (DESIGN section 8)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from taxii_hub import __version__
from taxii_hub.errors import ReportError
from taxii_hub.mapping.readers import xml
from taxii_hub.mapping.readers.stream import SourceStream
from taxii_hub.mapping.record import Progress
from taxii_hub.mapping.run import Order, Run
from taxii_hub.mapping.spec import Spec
from taxii_hub.model import Problem
from taxii_hub.stix import ids


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """``namespace``: the deployment's own (setting id_namespace). ``profile``: a minimisation profile of
    the mapping. ``edition``: the edition's moment where the file does not say it. ``name``: what the
    file is called in problems."""

    namespace: UUID
    progress: Progress | None = None
    profile: str | None = None
    edition: str | None = None
    name: str | None = None
    converter: str = f"taxii-hub {__version__}"


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a file became. ``data``: one JSON text for each object, definitions first, the edition's
    report last; every reference inside is to one of them. ``edition``: a STIX timestamp."""

    mapping: str
    edition: str
    sha256: str
    data: tuple[bytes, ...]
    problems: tuple[Problem, ...]
    account: dict[str, Any]
    records: int
    failed_records: int
    namespace: UUID

    def objects(self) -> Iterator[dict[str, Any]]:
        """The objects, parsed."""
        for data in self.data:
            yield orjson.loads(data)

    def bundle(self) -> Iterator[bytes]:
        """A STIX bundle, piece by piece."""
        return bundle(self.data, self.namespace)


def bundle(data: tuple[bytes, ...], namespace: UUID) -> Iterator[bytes]:
    """A STIX bundle of objects given as bytes; its id says what is inside."""
    content = hashlib.sha256(b"\n".join(data)).hexdigest()
    head = {"type": "bundle", "id": ids.mint(namespace, "bundle", content)}
    yield orjson.dumps(head)[:-1] + b',"objects":[\n'
    for position, item in enumerate(data):
        yield item if position == 0 else b",\n" + item
    yield b"\n]}\n"


def convert(mapping: Spec, source: Path, options: ConvertOptions) -> Conversion:
    """Convert the whole file.

    One bad record is a located problem and costs its own objects only. The file's own faults raise
    ReportError: it cannot be read, is not well-formed (half a list is no list), says no edition.
    """
    if options.profile is not None and options.profile not in mapping.minimise:
        known = ", ".join(sorted(mapping.minimise)) or "none"
        raise ReportError(f"{mapping.format} has no profile {options.profile!r}; it has: {known}")
    name = options.name or source.name
    order = Order(name, options.namespace, options.converter, options.profile, options.edition)
    with SourceStream(source, options.progress) as stream:
        records = xml.records(stream, name, mapping.kinds)
        run = Run(mapping, order, next(records))
        for record in records:
            run.take(record)
        sha256 = stream.sha256()
    result = run.finish(sha256)
    return Conversion(
        mapping=mapping.format,
        edition=result.edition,
        sha256=sha256,
        data=result.data,
        problems=result.problems,
        account=result.account,
        records=result.records,
        failed_records=result.failed_records,
        namespace=options.namespace,
    )
