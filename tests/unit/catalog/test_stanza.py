"""A new collection in its file."""

from __future__ import annotations

import pytest

from taxii_hub.catalog.loader import read_texts
from taxii_hub.catalog.lookup import find_collection
from taxii_hub.catalog.stanza import Stanza, insert
from taxii_hub.errors import CatalogError

STANZA = Stanza("new-one", 'A "new" one: yes', ("members",), ("us-kite", "gb-heron"))
FULL = Stanza("full", "Full", ("us-kite",), ("members",), "Words: many", "red", "off", ("some_list_xml",))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text,
        lambda text: text.rstrip("\n"),
        lambda text: text + "\n\n# the end\n",
        lambda text: (
            text.replace("title: Alpha exchange\n", "") + "\n# about the title\ntitle: Alpha exchange\n"
        ),
        lambda text: text.replace("\n  - ", "\n- ").replace("\n    ", "\n  "),
    ],
)
def test_the_file_gains_one_collection_and_keeps_its_lines(files, spoil):
    old = spoil(files["alpha.yaml"].decode())
    new, text = insert("alpha.yaml", old.encode(), STANZA)
    assert new.decode().count(text) == 1
    assert new.decode().replace(text, "").split() == old.split()
    catalog, problems = read_texts(files | {"alpha.yaml": new})
    assert problems == ()
    assert catalog is not None
    added = find_collection(catalog.api_roots[0], "new-one")
    assert added is not None
    assert (added.title, added.read) == ('A "new" one: yes', {"us-kite", "gb-heron"})
    assert added.default_marking == "amber"


def test_every_value_is_written(files):
    new, text = insert("alpha.yaml", files["alpha.yaml"], FULL)
    catalog, problems = read_texts(files | {"alpha.yaml": new}, frozenset({"some_list_xml"}))
    assert problems == ()
    assert catalog is not None
    added = find_collection(catalog.api_roots[0], "full")
    assert added is not None
    assert (added.description, added.validation, added.default_marking) == ("Words: many", "off", "red")
    assert (added.read, added.write) == ({"us-kite"}, {"us-kite", "gb-heron"})
    assert added.accepts == ("some_list_xml",)
    assert text.splitlines()[1] == "    alias: full"


@pytest.mark.parametrize("text", [b"title: x\n", b"collections: []\n", b"collections: 1\n"])
def test_a_file_without_a_list_is_refused(text):
    with pytest.raises(CatalogError, match="has no list of collections"):
        insert("alpha.yaml", text, STANZA)


def test_a_file_that_cannot_be_read_is_refused():
    with pytest.raises(CatalogError, match=r"alpha\.yaml:1: no valid YAML"):
        insert("alpha.yaml", b"{", STANZA)
