"""The stamps of a page in few bytes: distances and how often each repeats, as variable-length integers.

A commit's entries lie ten microseconds apart, so a page of a thousand of them takes a handful of bytes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import sub

LONGEST = 200_000
"""Stamps that one text may stand for: more than any page holds."""


def packed(stamps: Sequence[int]) -> str:
    """Ascending stamps, without the first one, as base64 of (distance, repeats) pairs."""
    out = bytearray()
    for distance, group in groupby(map(sub, stamps[1:], stamps)):
        _put(out, distance)
        _put(out, len(list(group)))
    return base64.b64encode(out).decode()


def unpacked(first: int, text: str) -> list[int]:
    """What :func:`packed` was given. Raises ValueError for any other text."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the stamps are no base64 text") from None
    stamps = [first]
    numbers = _numbers(data)
    for distance in numbers:
        repeats = next(numbers, 0)
        if distance == 0 or not 0 < repeats <= LONGEST - len(stamps):
            raise ValueError("the stamps do not ascend, or repeat more often than a page can hold")
        last = stamps[-1]
        stamps.extend(range(last + distance, last + distance * repeats + 1, distance))
    return stamps


def _put(out: bytearray, number: int) -> None:
    if number <= 0:
        raise ValueError("the stamps do not ascend")
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _numbers(data: Iterable[int]) -> Iterator[int]:
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
        elif shift > 63:
            raise ValueError("a distance between stamps is too long")
    if shift:
        raise ValueError("the stamps end in the middle of a number")
