"""The Traffic Light Protocol as STIX marking-definitions: ids, words, and the objects themselves.

TLP 1 is part of STIX 2.1 (section 7.2.1.4), TLP 2.0 an OASIS common object (an extension). Both are
known by their ids alone, so an object that carries such an id must be exactly this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

TlpWord = Literal["clear", "green", "amber", "amber+strict", "red"]

TLP_2_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

_TLP_1: Final[dict[TlpWord, str]] = {
    "clear": "613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "green": "34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "amber": "f88d31f6-486f-44da-b317-01333bde0b82",
    "red": "5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
_TLP_2: Final[dict[TlpWord, str]] = {
    "clear": "94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "e828b379-4e03-4974-9ac4-e53a884c97c1",
}


def _id(uuid: str) -> str:
    return f"marking-definition--{uuid}"


TLP_1_IDS: Final[Mapping[TlpWord, str]] = MappingProxyType({word: _id(uuid) for word, uuid in _TLP_1.items()})
"""Word to TLP 1 id; ``clear`` is what TLP 1 calls WHITE; there is no ``amber+strict``."""

TLP_2_IDS: Final[Mapping[TlpWord, str]] = MappingProxyType({word: _id(uuid) for word, uuid in _TLP_2.items()})
"""Word to TLP 2.0 id."""

TLP_WORDS: Final[Mapping[str, TlpWord]] = MappingProxyType(
    {object_id: word for table in (TLP_1_IDS, TLP_2_IDS) for word, object_id in table.items()}
)
"""Marking-definition id to TLP word, for both versions."""


def definition_of(object_id: str) -> dict[str, Any] | None:
    """The marking-definition object with a TLP id (a fresh copy); None for any other id."""
    word = TLP_WORDS.get(object_id)
    if word is None:
        return None
    if object_id == TLP_2_IDS[word]:
        return {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": object_id,
            "created": "2022-10-01T00:00:00.000Z",
            "name": f"TLP:{word.upper()}",
            "extensions": {TLP_2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": word}},
        }
    word_1 = "white" if word == "clear" else word
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": object_id,
        "created": "2017-01-20T00:00:00.000Z",
        "definition_type": "tlp",
        "name": f"TLP:{word_1.upper()}",
        "definition": {"tlp": word_1},
    }
