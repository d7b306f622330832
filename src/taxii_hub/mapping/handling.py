"""Markings of single records: a caveat column decides, and what two records share is marked like the
stricter one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from taxii_hub.errors import RecordError
from taxii_hub.mapping.emit import Frame
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.spec import Markings
from taxii_hub.mapping.view import View
from taxii_hub.stix.markings import TLP_2_IDS, definition_of

_LADDER: Final = tuple(TLP_2_IDS)
_RANK: Final = {object_id: rank for rank, object_id in enumerate(TLP_2_IDS.values())}


def marked(markings: Markings, frame: Frame, view: View) -> tuple[Frame, list[Value]]:
    """The frame of a record, and the values that its marking comes from. Raises RecordError where a
    caveat is wanted and there is none, or one that nobody knows: it could mean anything."""
    if not markings.by:
        return frame, []
    before = set(view.reading.faults)
    said = [word for node in markings.by if isinstance(word := node(view), Value)]
    faults = [f for key, f in view.reading.faults.items() if key not in before and f.code == "unknown-value"]
    if faults:
        told = "; nobody knows whom it lets read the record"
        raise RecordError(f"{faults[0].message}{told}", faults[0].remedy, faults[0].leaf)
    if not said and markings.required:
        raise RecordError("says no caveat", "say for each record who may read it (TLP)")
    words = [str(word.data) for word in said] or [markings.tlp]
    return _with(frame, max(words, key=_LADDER.index)), said


def unknown(frame: Frame) -> Frame:
    """The frame of what another report says and this one only names: nobody here knows its caveat."""
    return _with(frame, _LADDER[-1])


def strictest(*frames: Frame) -> Frame:
    """The one of the frames that fewest may read."""
    return max(frames, key=lambda frame: _RANK[frame.markings[0]])


def definitions(frame: Frame, known: Frame) -> Iterator[dict[str, Any]]:
    """The marking that the frame needs beside those that are known."""
    if frame.markings[0] != known.markings[0] and (made := definition_of(frame.markings[0])) is not None:
        yield made


def _with(frame: Frame, word: str) -> Frame:
    return replace(frame, markings=(TLP_2_IDS[word], *frame.markings[1:]), marked=True)  # type: ignore[index]
