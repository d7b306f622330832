"""What the journeys need of a store to feed an agency again what it may read since it gained rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from taxii_hub.model import Membership

AgainResult = Literal["more", "done"]


@dataclass(frozen=True, slots=True)
class Gain:
    """An agency that gained rights on the entries of a collection, to be fed what it could not read before.

    ``before`` None: it read nothing there. ``epoch`` is the catalogue that gave the rights and ``at``
    (microseconds) when it came into force; both are filled when the gain is stored with it. One that begins
    on a later day says that in ``at``, and may say the id of its collection (``of``) in place of its number.
    ``fed``: how many objects it was fed so far.
    """

    collection: int
    agency: str
    before: Membership | None
    after: Membership
    id: str = ""
    epoch: int = 0
    at: int = 0
    fed: int = 0
    of: str = ""


@dataclass(frozen=True, slots=True)
class GainedClass:
    """A class that can be read now, the class of its copies for the agency, and the classes that everybody
    reads who reads those copies."""

    number: int
    copies: int
    implied: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FeedAgain:
    """One step of a gain. Where it stands is stored with what it fed: a step that is sent twice is the next
    one, and what was fed is not fed again."""

    gain: str
    collection: int
    agency: str
    epoch: int
    at: int
    classes: tuple[GainedClass, ...]
    limit: int = 200
