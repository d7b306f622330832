"""TLP 1 beside TLP 2.0: every object of a conversion, its definitions too, and nothing else."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import orjson
import pytest

from taxii_hub.mapping.convert import ConvertOptions, convert
from taxii_hub.mapping.registry import load_registry
from taxii_hub.mapping.twins import Twinned
from taxii_hub.stix.markings import TLP_1_IDS, TLP_2_IDS, definition_of

ROOT = Path(__file__).resolve().parents[3]
NAMESPACE = UUID("3f6a5e0c-6f0e-4b5e-9d4b-7a1f0c2d9e11")


@pytest.mark.parametrize("word", TLP_2_IDS)
def test_each_word_has_its_twin(word: str) -> None:
    other = "marking-definition--11111111-2222-4333-8444-555555555555"
    marking = TLP_2_IDS[word]
    twin = TLP_1_IDS["amber" if word == "amber+strict" else word]
    plain = orjson.dumps({"type": "identity", "id": "identity--1", "object_marking_refs": [other]})
    marked = {"type": "x", "id": "x--1", "object_marking_refs": [marking, other]}
    found = Twinned([orjson.dumps(definition_of(marking)), orjson.dumps(marked), plain])
    assert len(found) == 4
    assert orjson.loads(found[0]) == definition_of(twin)
    assert orjson.loads(found[2]) == {**marked, "object_marking_refs": [marking, other, twin]}
    assert found[-1] == plain
    assert list(found[1:3]) == [found[1], found[2]]
    assert list(Twinned(list(found))) == list(found)
    with pytest.raises(IndexError):
        found[4]


def test_a_conversion_with_twins() -> None:
    spec = load_registry(ROOT / "mappings").get("un_sc_consolidated_xml")
    sample = next((ROOT / "mappings/un_sc_consolidated_xml/samples").glob("*.xml"))
    plain = convert(spec, sample, ConvertOptions(NAMESPACE))
    twinned = convert(spec, sample, ConvertOptions(NAMESPACE, tlp1_twin=True))
    clear = {TLP_1_IDS["clear"], TLP_2_IDS["clear"]}
    for item in twinned.objects():
        refs = set(item.get("object_marking_refs", ()))
        assert clear <= refs or not clear & refs
    assert {each["id"] for each in twinned.objects()} == {each["id"] for each in plain.objects()} | {
        TLP_1_IDS["clear"]
    }
