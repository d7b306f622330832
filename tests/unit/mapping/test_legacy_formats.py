"""MISP and STIX 1: what is no report of theirs is refused by name, and a bad part costs itself (R8)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taxii_hub.errors import ReportError
from taxii_hub.mapping.convert import Conversion, ConvertOptions, convert
from taxii_hub.mapping.detect import detect
from taxii_hub.mapping.registry import load_registry
from taxii_hub.settings import Settings
from taxii_hub.stix.markings import TLP_2_IDS
from tests.unit.mapping.conftest import NAMESPACE

EVENT: dict[str, Any] = {
    "uuid": "0f1d2c3b-1111-4a5b-8c6d-000000000001",
    "info": "Boats",
    "timestamp": "1772438400",
    "distribution": "3",
    "Orgc": {"name": "Atlantis CSIRT", "uuid": "0f1d2c3b-1111-4a5b-8c6d-000000000003"},
    "Attribute": [
        {
            "uuid": "0f1d2c3b-1111-4a5b-8c6d-000000000002",
            "type": "ip-dst",
            "category": "Network activity",
            "value": "198.51.100.7",
        }
    ],
}
REGISTRY = load_registry(Settings().mappings_dir)
Try = Callable[[str, Any], Conversion]


@pytest.fixture
def attempt(tmp_path: Path) -> Try:
    def attempted(name: str, content: Any) -> Conversion:
        path = tmp_path / "report"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return convert(REGISTRY.get(name), path, ConvertOptions(NAMESPACE))

    return attempted


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"uuid": "1", "GalaxyCluster": [{"uuid": "2"}]}, "report: is a MISP galaxy, not an event"),
        ({"timestamp": "1", "type": "bar", "value": "1"}, "report: holds no MISP event"),
        ([1, 2], "report: holds no MISP event"),
        ('{"Event": ', "report: is not JSON that can be read"),
        ({"Event": {**EVENT, "timestamp": ""}}, "has no Event/timestamp; give the date with --edition"),
    ],
)
def test_what_is_no_event_is_refused_by_name(attempt: Try, content: Any, message: str) -> None:
    with pytest.raises(ReportError, match=message):
        attempt("misp_event_json", content)


def test_an_event_may_stand_alone_or_in_a_list(attempt: Try) -> None:
    alone, listed = attempt("misp_event_json", EVENT), attempt("misp_event_json", [{"Event": EVENT}])
    assert {o["id"] for o in alone.objects() if o["type"] == "ipv4-addr"} == {
        o["id"] for o in listed.objects() if o["type"] == "ipv4-addr"
    }
    assert alone.problems == ()


def test_the_strictest_word_anywhere_in_an_event_marks_all_of_it(attempt: Try) -> None:
    inner = {**EVENT["Attribute"][0], "distribution": "0", "Tag": [{"name": "tlp:clear"}]}
    made = attempt("misp_event_json", {"Event": {**EVENT, "Attribute": [inner]}})
    own = [o for o in made.objects() if o["type"] in {"grouping", "observed-data", "ipv4-addr"}]
    assert len(own) == 3
    assert {tuple(o["object_marking_refs"]) for o in own} == {(TLP_2_IDS["red"],)}


def test_a_compound_indicator_is_kept_and_split(attempt: Try) -> None:
    held = {
        "uuid": "0f1d2c3b-1111-4a5b-8c6d-000000000009",
        "type": "stix2-pattern",
        "category": "Other",
        "object_relation": "stix2-pattern",
        "value": "[ipv4-addr:value = '198.51.100.8' OR ipv4-addr:value = '198.51.100.9']",
        "to_ids": True,
    }
    thing = {
        "uuid": "0f1d2c3b-1111-4a5b-8c6d-000000000008",
        "name": "stix2-pattern",
        "meta-category": "stix2-pattern",
    }
    made = list(attempt("misp_event_json", {**EVENT, "Object": [{**thing, "Attribute": [held]}]}).objects())
    whole = [o["id"] for o in made if o.get("pattern") == held["value"]]
    links = [o for o in made if o.get("relationship_type") == "derived-from"]
    assert len(whole) == 1
    assert [o["target_ref"] for o in links] == whole * 2


def test_a_galaxy_is_claimed_and_refused(tmp_path: Path) -> None:
    head = b'{"uuid": "1", "GalaxyCluster": [{"uuid": "2"}]}'
    assert detect(REGISTRY, head, "galaxy.json").format == "misp_event_json"


PACKAGE = """\
<stix:STIX_Package xmlns:stix="http://stix.mitre.org/stix-1" xmlns:a="http://a.example/" id="a:Package-1"
 version="1.2" timestamp="2016-01-01T00:00:00Z">{}</stix:STIX_Package>"""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + PACKAGE.format("&e;"), "DOCTYPE"),
        (PACKAGE.format("<stix:STIX_Header>"), "report: 3: not well-formed XML|report: .*not well-formed"),
        (PACKAGE.format("").replace("timestamp=", "stamp="), "has no edition"),
    ],
)
def test_xml_is_refused_before_the_library_sees_it(attempt: Try, content: str, message: str) -> None:
    with pytest.raises(ReportError, match=message):
        attempt("stix1_xml", content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("", ""), "finds nothing to convert"),
        (('version="1.2"', 'version="9.9"'), "stix2-elevator cannot convert the package"),
    ],
)
def test_what_the_library_cannot_convert_is_a_problem(
    attempt: Try, change: tuple[str, str], message: str
) -> None:
    made = attempt("stix1_xml", PACKAGE.format("").replace(*change))
    assert made.failed_records == 1
    assert [message in problem.message for problem in made.problems] == [True]
