from __future__ import annotations

import pytest

from taxii_hub.stix import ids, markings


def test_the_two_versions() -> None:
    """S-7.2-02."""
    assert len(markings.TLP_1_IDS) == 4
    assert len(markings.TLP_2_IDS) == 5
    assert len(markings.TLP_WORDS) == 9
    assert markings.TLP_WORDS["marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"] == "clear"
    assert markings.TLP_WORDS["marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"] == "amber+strict"


@pytest.mark.parametrize("object_id", markings.TLP_WORDS)
def test_every_id_has_its_object(object_id: str) -> None:
    made = markings.definition_of(object_id)
    assert made is not None
    assert ids.is_id(object_id)
    assert made["id"] == object_id
    word = markings.TLP_WORDS[object_id]
    if object_id in markings.TLP_1_IDS.values():
        assert made["definition"] == {"tlp": "white" if word == "clear" else word}
        assert made["name"] in ("TLP:WHITE", "TLP:GREEN", "TLP:AMBER", "TLP:RED")
    else:
        assert made["extensions"][markings.TLP_2_EXTENSION]["tlp_2_0"] == word
        assert made["name"] == f"TLP:{word.upper()}"


def test_it_is_a_fresh_copy() -> None:
    object_id = markings.TLP_2_IDS["red"]
    first = markings.definition_of(object_id)
    assert first is not None
    first["extensions"].clear()
    assert markings.definition_of(object_id) != first


def test_other_markings_are_not_known() -> None:
    assert markings.definition_of("marking-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f") is None
