"""Equality across lists: the other list's record is named by the id that its own mapping makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from taxii_hub.errors import MappingError
from taxii_hub.mapping.convert import Conversion, ConvertOptions, convert
from taxii_hub.mapping.registry import load_registry
from taxii_hub.mapping.spec import Spec
from taxii_hub.settings import Settings

from .conftest import NAMESPACE

Make = Callable[..., Spec]
Run = Callable[..., Conversion]

UN = "un_sc_consolidated_xml"
TO_PLACE = "  - {from: subject, type: located-at, to: place}"
SAME = "  - {from: subject, type: related-to, list: un_sc_consolidated_xml, keys: PHONE}"
UN_FILE = """<CONSOLIDATED_LIST dateGenerated="2026-03-05T00:00:00Z"><ENTITIES><ENTITY>
<FIRST_NAME>Made up</FIRST_NAME><REFERENCE_NUMBER>QDe.901</REFERENCE_NUMBER><COMMENTS1>See {}.</COMMENTS1>
</ENTITY></ENTITIES></CONSOLIDATED_LIST>"""


def un_list(folder: Path, named: str) -> Conversion:
    path = folder / "un.xml"
    path.write_text(UN_FILE.format(named), encoding="utf-8")
    shelf = folder / "shelf"
    shelf.mkdir()
    (shelf / UN).symlink_to(Settings().mappings_dir / UN)
    return convert(load_registry(shelf, (shelf,)).get(UN), path, ConvertOptions(NAMESPACE))


def test_a_stub_is_the_one_that_the_other_list_makes(make: Make, run: Run, tmp_path: Path) -> None:
    made = run(make((TO_PLACE, SAME)), "<ROW><REF>1</REF><PHONE>QDi.902</PHONE></ROW>")
    (relation,) = [o for o in made.objects() if o["type"] == "relationship"]
    stub = next(data for data in made.data if f'"id":"{relation["target_ref"]}"'.encode() in data)
    assert stub in un_list(tmp_path, "QDi.902").data
    assert {o["created_by_ref"] for o in made.objects() if "created_by_ref" in o} <= {
        o["id"] for o in made.objects()
    }


def test_the_other_list_says_more_under_the_same_id(make: Make, run: Run, tmp_path: Path) -> None:
    made = run(make((TO_PLACE, SAME)), "<ROW><REF>1</REF><PHONE>QDe.901</PHONE></ROW>")
    (relation,) = [o for o in made.objects() if o["type"] == "relationship"]
    (real,) = [o for o in un_list(tmp_path, "nobody").objects() if o.get("name") == "Made up"]
    assert real["id"] == relation["target_ref"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (SAME.replace("un_sc_consolidated_xml", "no_such_list"), "there is no mapping 'no_such_list'"),
        (SAME.replace("un_sc_consolidated_xml", "../tiny_list"), "the name of a mapping is wanted"),
        (SAME.replace("list:", "to: place, list:"), "there is no such key"),
        (SAME.replace(", keys: PHONE", ""), "keys is missing"),
    ],
)
def test_what_names_no_list_is_refused(make: Make, wrong: str, reason: str) -> None:
    with pytest.raises(MappingError, match=reason):
        make((TO_PLACE, wrong))
