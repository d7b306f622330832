"""A small invented format, to be varied by tests of the engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from uuid import UUID

import pytest

from taxii_hub.mapping.convert import Conversion, ConvertOptions, convert
from taxii_hub.mapping.registry import load_registry
from taxii_hub.mapping.spec import Spec

NAMESPACE = UUID("7a4f3d1c-3b0e-4c52-8f0b-8a4a4a7a0001")

TINY = """\
identity:
  format: tiny_list
  version: "1"
  title: Tiny list
  issuer: {name: Atlantis, identity_class: organization, since: "2000-01-01"}
detect: {root: LIST}
reader: {kind: xml, records: [ROW]}
key: REF
dates: {edition: LIST/@date}
lookups:
  colours: {red: warm, blue: cold, grey: null}
fields:
  LIST/@date: moment
  REF: line
  NAME: line
  COLOUR: line
  BORN: day
  PHONE: line
  PLACE/TOWN: line
  PLACE/LAND: line
objects:
  subject:
    type: identity
    set:
      name: {first: [NAME, REF]}
      identity_class: {const: individual}
      contact_information: PHONE
    designation:
      reference: REF
      titles: [{lookup: colours, of: COLOUR}]
      listed_on: BORN
  place:
    type: location
    each: PLACE
    when: {lookup: countries, of: LAND}
    id: content
    set: {name: TOWN, country: {lookup: countries, of: LAND}}
main: subject
relationships:
  - {from: subject, type: located-at, to: place}
markings: {tlp: green, statement: Made up.}
minimise:
  no-phones: {PHONE: Telephone numbers are not shared.}
ignore:
  CLERK: Who typed it has no intelligence value.
"""


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Spec]:
    """Load the small format with parts of its text replaced, and with hooks."""

    def load(*changes: tuple[str, str], hooks: str = "", trust: bool = True) -> Spec:
        text = TINY
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        folder = tmp_path / "mappings" / "tiny_list"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mapping.yaml").write_text(text, encoding="utf-8")
        if hooks:
            (folder / "hooks.py").write_text(dedent(hooks), encoding="utf-8")
        return load_registry(folder.parent, (folder.parent,) if trust else ()).get("tiny_list")

    return load


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Conversion]:
    """Convert rows of the small format."""

    def converted(spec: Spec, rows: str, **options: str) -> Conversion:
        path = tmp_path / "tiny.xml"
        path.write_text(f'<LIST date="2026-01-02">{rows}</LIST>', encoding="utf-8")
        return convert(spec, path, ConvertOptions(NAMESPACE, **options))  # type: ignore[arg-type]

    return converted
