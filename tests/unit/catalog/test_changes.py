"""The words that an admin reads before a catalogue is applied."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from taxii_hub.catalog.changes import diff, refusals
from taxii_hub.catalog.loader import read_texts
from taxii_hub.model import Catalog


def catalog_of(files: dict[str, bytes]) -> Catalog:
    catalog, problems = read_texts(files)
    assert problems == ()
    assert catalog is not None
    return catalog


@pytest.fixture
def changed(files) -> Callable[..., list[str]]:
    """Words of the difference that replacing texts of one file makes."""

    def change(file: str, *swaps: tuple[str, str]) -> list[str]:
        new = dict(files)
        for text, instead in swaps:
            assert text in new[file].decode()
            new[file] = new[file].decode().replace(text, instead, 1).encode()
        return [each.words for each in diff(catalog_of(files), catalog_of(new))]

    return change


def test_the_first_catalogue_tells_everything(files):
    words = [each.words for each in diff(None, catalog_of(files))]
    assert words[:3] == [
        "gb-heron gains read on alpha/reports",
        "gb-heron gains read on alpha/wanted",
        "nz-kea gains read and write on beta/wanted",
    ]
    assert "API root alpha is new (Alpha exchange)" in words
    assert "collection alpha/wanted is new (Alpha wanted)" in words
    assert "agency nz-kea is new (Kea Register)" in words


def test_nothing_changed(files):
    assert diff(catalog_of(files), catalog_of(files)) == []
    assert refusals(catalog_of(files), catalog_of(files)) == []
    assert refusals(None, catalog_of(files)) == []


def test_grants(changed):
    assert changed("alpha.yaml", ("write: [us-kite]", "write: [gb-heron]")) == [
        "gb-heron gains write on alpha/wanted",
        "us-kite loses write on alpha/wanted",
    ]


def test_a_new_member_and_one_that_left(changed):
    assert changed("alpha.yaml", ("  - gb-heron", "  - nz-kea"), ("read: [gb-heron]", "read: []")) == [
        "nz-kea gains read on alpha/wanted",
        "gb-heron loses read on alpha/reports",
        "gb-heron loses read on alpha/wanted",
        "nz-kea becomes a member of alpha",
        "gb-heron is no member of alpha any more",
    ]


def test_retiring_takes_writing_and_reopening_gives_it(changed):
    assert changed("beta.yaml", ("    read", "    retired: true\n    read")) == [
        "nz-kea loses write on beta/wanted",
        "collection beta/wanted is retired: readable, closed to writers",
    ]
    assert changed("alpha.yaml", ("retired: true", "retired: false")) == [
        "gb-heron gains write on alpha/reports",
        "us-kite gains write on alpha/reports",
        "collection alpha/reports is open again",
    ]


def test_what_else_is_changed(changed):
    assert changed(
        "alpha.yaml",
        ("alias: wanted", "alias: most-wanted"),
        ("green", "red"),
        ("    accepts: [some_list_xml]\n", "    accepts: [some_list_xml]\n    minimise: coarse\n"),
        ("description: Reports", "description: All reports"),
        ("2048", "4096"),
    ) == [
        "API root alpha: max_content_length 2048 becomes 4096",
        "collection alpha/reports: description Reports becomes All reports",
        "collection alpha/wanted becomes alpha/most-wanted",
        "collection alpha/most-wanted: default_marking green becomes red",
        "collection alpha/most-wanted: minimise nothing becomes coarse",
    ]
    assert changed("agencies.yaml", ("    contact: watch@gb-heron.example\n", "")) == [
        "agency gb-heron: contact watch@gb-heron.example becomes nothing"
    ]


def test_a_renamed_file_says_was(files):
    old = catalog_of(files)
    data = files.pop("beta.yaml")
    unsaid = catalog_of(files | {"gamma.yaml": data})
    assert refusals(old, unsaid) == [
        (
            "gamma.yaml: collection wanted (2f1c2f7e-0c55-4b8e-9d0a-333333333333) is in /beta/ now; say "
            "`was: beta` in gamma.yaml if the file was renamed, else make a new collection (`taxii-hub collections new`)"
        )
    ]
    said = catalog_of(files | {"gamma.yaml": b"was: beta\n" + data})
    assert refusals(old, said) == []
    assert [each.words for each in diff(old, said)] == [
        "API root beta becomes gamma; its URLs change",
        "collection beta/wanted becomes gamma/wanted",
    ]
    # the line may stay: the rename is over
    assert diff(said, said) == []
    assert refusals(said, said) == []


def test_what_is_gone(files):
    old = catalog_of(files)
    del files["beta.yaml"]
    files["agencies.yaml"] = files["agencies.yaml"].split(b"  nz-kea")[0]
    changes = diff(old, catalog_of(files))
    assert [each.words for each in changes] == [
        "nz-kea loses read and write on beta/wanted",
        "API root beta is removed",
        "collection beta/wanted is removed",
        "agency nz-kea is removed; its accounts see nothing any more",
    ]
    assert [(each.kind, each.subject, each.agency) for each in changes[:2]] == [
        ("loses", "beta/wanted", "nz-kea"),
        ("removed", "beta", None),
    ]
