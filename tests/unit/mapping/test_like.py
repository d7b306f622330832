"""One report in two containers: a mapping that is like another one; and ids of other objects in properties."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from taxii_hub.errors import MappingError
from taxii_hub.mapping.convert import Conversion
from taxii_hub.mapping.registry import load_registry
from taxii_hub.mapping.spec import Spec

Make = Callable[..., Spec]
Run = Callable[..., Conversion]

LIKE = """\
like: tiny_list
identity:
  format: tiny_twin
  version: "1"
  family: tiny_list
  title: Twin
  issuer: {name: Atlantis, identity_class: organization, since: "2000-01-01"}
detect: {root: TWIN}
reader: {kind: xml, records: [ROW]}
"""
HOOK = ("      name: {first: [NAME, REF]}", "      name: {call: loud}")
LOUD = """
def loud(view):
    return view.get("REF")
"""


def twin(folder: Path, text: str = LIKE) -> Spec:
    path = folder / "mappings" / "tiny_twin" / "mapping.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return load_registry(folder / "mappings", (folder / "mappings",)).get("tiny_twin")


def test_it_shares_sections_and_hooks_and_ids(make: Make, run: Run, tmp_path: Path) -> None:
    model = make(HOOK, hooks=LOUD)
    made = [run(spec, "<ROW><REF>1</REF></ROW>") for spec in (model, twin(tmp_path))]
    ids = [{o["id"] for o in each.objects() if o["type"] == "identity"} for each in made]
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("like: tiny_list", "like: no_such_list"), "there is no mapping 'no_such_list'"),
        (("detect: {root: TWIN}\n", ""), "detect must be the mapping's own"),
    ],
)
def test_what_is_not_there_is_refused(
    make: Make, tmp_path: Path, change: tuple[str, str], reason: str
) -> None:
    make()
    with pytest.raises(MappingError, match=reason):
        twin(tmp_path, LIKE.replace(*change))


def test_a_key_cannot_be_made_of_ids(make: Make, run: Run) -> None:
    spec = make(
        ("key: REF", "key: {call: key}"), hooks="def key(view):\n    return view.refer(view.get('REF'))\n"
    )
    with pytest.raises(MappingError, match="a key cannot contain ids"):
        run(spec, "<ROW><REF>1</REF></ROW>")


def test_a_property_refers_to_a_record_of_the_file_or_to_a_stub(make: Make, run: Run) -> None:
    changes = ("main: subject\n", "main: subject\nbuild: [note]\n")
    hooks = """
    def note(view, emitter):
        named = view.get("PHONE")
        if named is not None:
            emitter.add("note", "note", {"content": "x", "object_refs": [view.refer(named)]})
            emitter.add("opinion", "opinion", {"opinion": "agree", "object_refs": [view.own("identity", "subject")]})
    """
    rows = "<ROW><REF>1</REF><PHONE>2</PHONE></ROW><ROW><REF>2</REF><PHONE>9</PHONE></ROW>"
    made = list(run(make(changes, hooks=hooks), rows).objects())
    ids = {o["name"]: o["id"] for o in made if o["type"] == "identity"}
    assert [o["object_refs"] for o in made if o["type"] == "note"] == [[ids["2"]], [ids["9"]]]
    assert [o["object_refs"] for o in made if o["type"] == "opinion"] == [[ids["1"]], [ids["2"]]]
