"""A wrong mapping.yaml is refused with file, line, key and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from taxii_hub.errors import MappingError, UnknownFormatError
from taxii_hub.mapping.located_yaml import load
from taxii_hub.mapping.registry import load_registry
from taxii_hub.mapping.spec import Spec

Make = Callable[..., Spec]


def test_a_right_one(make: Make) -> None:
    spec = make()
    assert (spec.format, spec.title, spec.kinds) == ("tiny_list", "Tiny list", {"ROW"})
    assert [part.name for part in spec.key] == ["REF"]
    assert spec.issuer.since == "2000-01-01T00:00:00.000Z"
    assert spec.main_object.name == "subject"
    assert spec.about is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "main: subject",
            "main: subject\nmood: good",
            r":\d+: mood: there is no such key; known are build, ",
        ),
        ("main: subject\n", "", r":1: the file: main is missing; docs/mappings\.md"),
        ("main: subject", "main: place", ":38: main: must name an object with a designation"),
        ("  title: Tiny list\n", "", ":1: identity: title is missing"),
        ("title: Tiny list", "title: 7", ":4: identity.title: a text is wanted"),
        ("title: Tiny list", "titel: Tiny list", ":4: identity.titel: there is no such key"),
        (
            "format: tiny_list",
            "format: other",
            r":2: identity.format: must be the folder's name \(tiny_list\)",
        ),
        ('since: "2000-01-01"', "since: tomorrow", "identity.issuer.since: is no date and time"),
        ("kind: xml", "kind: pdf", "reader.kind: one of csv, json, library, ods, xlsx, xml is wanted"),
        ("key: REF", "key: REFF", "key: 'REFF' is not listed in fields"),
        ("NAME: line", "NAME: lines", "fields.NAME: one of day, .*line, .*is wanted"),
        ("NAME: line", "NAME: {clean: line, nota: x}", "fields.NAME.nota: there is no such key"),
        ("NAME: line", "NAME: {note: x}", "fields.NAME: clean is missing"),
        ("NAME: line", "NAME: line\n  NAME: day", "fields.NAME: stands here a second time"),
        ("CLERK: Who", "NAME: Who", "ignore.NAME: is listed in fields too"),
        ("type: location", "type: place", "objects.place.type: one of artifact"),
        ("name: TOWN", "name: CITY", "objects.place.set.name: 'PLACE/CITY' is not listed"),
        ("{lookup: colours, of: COLOUR}", "{lookup: colors, of: COLOUR}", "there is no lookup 'colors'"),
        ("{lookup: colours, of: COLOUR}", "{lookup: colours}", "of is missing"),
        ("{lookup: colours, of: COLOUR}", "{call: colour}", r"hooks\.py has no function 'colour'"),
        ("{const: individual}", "{const: individual, all: NAME}", "exactly one of all, call, const"),
        ("{const: individual}", "{const: individual, with: x}", "with: does not go with const"),
        ("{const: individual}", "{constant: individual}", "constant: there is no such key"),
        ("{const: individual}", "{kind: {COLUMN: NAME}}", "COLUMN: there is no such key; known are ROW"),
        ("{const: individual}", "{kind: {}}", "kind: says nothing about ROW"),
        ("{const: individual}", "{each: PLACE}", "each wants either set or call"),
        ("{const: individual}", "7", "a mapping"),
        ("to: place", "to: spot", r"relationships\[0\].to: one of place, subject is wanted"),
        ("tlp: green", "tlp: blue", "markings.tlp: one of amber"),
        ("{PHONE: Telephone", "{FAX: Telephone", "minimise.no-phones.FAX: is not listed in fields"),
        ("colours: {", "countries: {", "lookups.countries: the name is taken"),
        ("{red: warm, blue: cold, grey: null}", "{}", "lookups.colours: is empty"),
        (
            "place:\n    type: location\n",
            "place:\n    type: location\n    designation: {}\n",
            "extends identity only",
        ),
        ("{lookup: countries, of: LAND}\n    id", "{is: x}\n    id", "objects.place.when: lookup is missing"),
        ("detect: {root: LIST}", "detect: LIST", "detect: a mapping"),
        ("NAME: line", "? [a]\n  : line", "a key must be a text"),
        ("title: Tiny list", "title: !!python/name:os.system x", "identity.title: cannot be read"),
        ("title: Tiny list", "title: &t [*t]", "refers to itself|not YAML"),
        ("detect: {root: LIST}", "detect: {root: LIST", "not YAML"),
        ("title: Tiny list", "title: " + "[" * 200_000, "more than 100 levels inside one another"),
    ],
)
def test_wrong_ones(make: Make, old: str, new: str, message: str) -> None:
    with pytest.raises(MappingError, match=message) as refused:
        make((old, new))
    assert str(refused.value).startswith("tiny_list/mapping.yaml:")


def test_an_empty_file_and_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    assert list(load_registry(tmp_path)) == []
    (tmp_path / "x" / "mapping.yaml").write_text("")
    with pytest.raises(MappingError, match=r"x/mapping\.yaml: is empty"):
        load_registry(tmp_path)
    with pytest.raises(MappingError, match="there is no such folder; set TAXII_HUB_MAPPINGS_DIR"):
        load_registry(tmp_path / "gone")


def test_yaml_keeps_lines_and_plain_values(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a:\n  - 1\n  - {b: null}\n")
    loaded = load(path)
    assert loaded.plain() == {"a": [1, {"b": None}]}
    assert loaded.items()["a"].elements()[1].line == 3


def test_code_runs_only_from_trusted_folders(make: Make, tmp_path: Path) -> None:
    hooks = f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\ndef shout(view):\n    return None\n"
    assert not make(hooks=hooks, trust=False).trusted
    assert not (tmp_path / "ran").exists()
    assert make(hooks=hooks).trusted
    assert (tmp_path / "ran").exists()
    with pytest.raises(MappingError, match="its code is not trusted here"):
        make(("{const: individual}", "{call: shout}"), hooks=hooks, trust=False)


@pytest.mark.parametrize("hooks", ["def broken(:\n", "import nothing_of_that_name\n", "x = 1 / None\n"])
def test_code_that_does_not_load(make: Make, hooks: str) -> None:
    with pytest.raises(MappingError, match=r"tiny_list/hooks\.py: \w+Error"):
        make(hooks=hooks)


def test_an_unknown_name_says_which_are_nearly_so(make: Make) -> None:
    registry = load_registry(make().folder.parent)
    with pytest.raises(UnknownFormatError, match=r"there is no mapping 'x' in .*; `taxii-hub mappings list`"):
        registry.get("x")
    with pytest.raises(
        UnknownFormatError, match=r"there is no mapping 'tinylist' \(nearly so: tiny_list\); "
    ):
        registry.get("tinylist")
