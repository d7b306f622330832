"""Why a row of the table falls short: written by hand from profiles, kept by the names of ``bench.goals``."""

from __future__ import annotations

_PAGE = (
    "hub and MongoDB take 9 to 10 µs an object, of which the hub about half: one batch of BSON decoded by the driver, "
    "one join. The rest is MongoDB's: a fetch for each index key. Tried: one batch instead of a cursor, stamp and bytes "
    "only, no session for a lone find, collector frozen (twice as fast as before). Not tried: sealed chunks, which rule R4 "
    "makes one line for each policy class"
)
_POINT = (
    "one command of the driver costs 220 µs of CPU at the least, MongoDB's answer 300, and the client waits for both in "
    "turn; what lies between socket and driver takes 60 to 120"
)
_POST = (
    "the ceiling only parses, and this bench's client feeds it two to five times as fast as the driver that the goals were "
    "set with; asked by that one, in a louder minute, the hub had 0.06, 0.09, 0.06 and 0.05 of the ceiling. Of the hub's 65 "
    "to 105 µs an object checking takes 20, parsing 7, planning 6; the other half is the driver, the commit's eight "
    "commands and the status. Against OpenTAXII it is 8 to 14 times as fast"
)
NOTES: dict[str, str] = {
    "walk 1000": _PAGE,
    "walk 100": _PAGE,
    "manifest 1000": _PAGE,
    "match 1000": _PAGE,
    "by id": _POINT,
    "versions": _POINT,
    "incremental": f"{_POINT}; with a position it reads in a snapshot session of its own, one command more where nothing is new",
    "post 100 by 1": _POST,
    "post 100 by 8": _POST,
    "post 1000 by 1": _POST,
    "post 1000 by 8": _POST,
}
