"""What a library says outside of STIX's vocabulary: notes, details, one TLP word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from taxii_hub.mapping.constants import SOURCE
from taxii_hub.mapping.custom import own_markings, standard, tlp_definitions
from taxii_hub.mapping.emit import Frame
from taxii_hub.stix.markings import TLP_1_IDS, TLP_2_IDS, definition_of

FRAME = Frame(UUID(int=4), "f", "identity--x", (TLP_2_IDS["amber"], "marking-definition--s"), "s", "e")
UNIQUE = "0f1d2c3b-0000-4a5b-8c6d-000000000001"
REPORT = f"report--{UNIQUE}"


def test_a_custom_object_becomes_a_note_about_the_main_one() -> None:
    thing: dict[str, Any] = {
        "type": "x-tool-thing", "id": f"x-tool-thing--{UNIQUE}", "labels": ["a"], "x_name": "Boat",
        "x_parts": [{"part_name": "oar", "count": 2}, {"empty": " "}], "x_none": None,
    }  # fmt: skip
    report: dict[str, Any] = {"type": "report", "id": REPORT, "object_refs": [thing["id"]]}
    made = standard([thing, report], REPORT)
    assert made[0] == {
        "type": "note",
        "spec_version": "2.1",
        "id": f"note--{UNIQUE}",
        "labels": ["a"],
        "abstract": "tool thing: Boat",
        "content": "name: Boat\nparts: part name: oar; count: 2\nparts: ",
        "object_refs": [REPORT],
    }
    assert made[1]["object_refs"] == [f"note--{UNIQUE}"]
    assert standard([thing], None)[0]["object_refs"] == []


def test_custom_properties_become_details() -> None:
    file = {"type": "file", "id": "file--1", "x_tool_state": ["bad", "old"], "name": "a"}
    assert standard([file], None) == [
        {
            "type": "file",
            "id": "file--1",
            "name": "a",
            "extensions": {
                SOURCE: {
                    "extension_type": "property-extension",
                    "details": [
                        {"name": "tool state", "value": "bad"},
                        {"name": "tool state", "value": "old"},
                    ],
                }
            },
        }
    ]
    assert standard([{"type": "file", "id": "file--1", "x_tool_state": None}], None) == [
        {"type": "file", "id": "file--1"}
    ]


def test_known_markings_are_left_to_the_hub() -> None:
    assert standard([definition_of(TLP_1_IDS["red"]) or {}], None) == []


def test_of_several_tlp_words_the_strictest_counts() -> None:
    own = ["marking-definition--own", TLP_1_IDS["clear"]]
    assert own_markings(own, FRAME) == [
        TLP_2_IDS["clear"],
        "marking-definition--own",
        "marking-definition--s",
    ]
    assert own_markings([], FRAME) == list(FRAME.markings)
    assert own_markings(own, replace(FRAME, marked=True))[0] == TLP_2_IDS["amber"]
    assert own_markings([TLP_2_IDS["red"]], replace(FRAME, marked=True))[0] == TLP_2_IDS["red"]


def test_definitions_that_are_not_there_yet_come_along() -> None:
    objects = [{"object_marking_refs": [TLP_2_IDS[word]]} for word in ("clear", "amber", "red", "red")]
    assert list(tlp_definitions(objects, FRAME)) == [definition_of(TLP_2_IDS["red"])]
