"""Which Accept and Content-Type headers the hub understands (TAXII 2.1 section 1.6.8, RFC 9110).

The hub answers in one media type only, so negotiation is a yes or a no: is ``application/taxii+json;
version=2.1`` what the most specific range of the header lets through? ``application/json`` counts as
a range that lets it through, because clients send it and mean ours. Headers that name only TAXII 2.0
are refused on purpose: MineMeld and XSOAR find out by the 406 that they have to speak 2.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from taxii_hub.errors import NotAcceptableError, UnsupportedMediaError

TAXII = "application/taxii+json;version=2.1"
STIX = "application/stix+json;version=2.1"

# No escapes inside quotes: none are in use, and without them a hostile header takes linear time.
_ELEMENT = re.compile(r'(?:[^",]|"[^"]*"|")+')
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("[^"]*"|[^\s;"]*)')
_QUALITY = re.compile(r"\d*\.?\d*")

# How specific a range is; the most specific one that covers our media type decides (RFC 9110 12.5.1).
_WILDCARDS = {"*/*": 0, "*": 0, "application/*": 1}
_PLAIN_JSON, _ANY_VERSION, _OUR_VERSION = 2, 3, 4


def check_accept(header: str | None) -> None:
    """Refuse an Accept header that rules the hub's one media type out (T-3.1-02 to -06).

    Several header lines are to be joined with commas before. Raises NotAcceptableError.
    """
    if header is not None and not _acceptable(header):
        raise NotAcceptableError(
            f"Accept {_shown(header)} names nothing this server can answer with; ask for {TAXII}"
        )


def check_content_type(header: str | None) -> None:
    """Refuse a body that is not announced as TAXII 2.1, STIX 2.1 or plain JSON (T-3.1-07, -08).

    A charset is ignored: JSON is UTF-8, and a body that is not is refused when it is read.
    Raises UnsupportedMediaError.
    """
    if header is None or not _readable(header):
        said = "is missing" if header is None else f"{_shown(header)} is not supported"
        raise UnsupportedMediaError(f"Content-Type {said}; send {TAXII}")


@lru_cache(maxsize=128)
def _acceptable(header: str) -> bool:
    if not header.strip():
        return True
    best = max((_rank(*element) for element in _elements(header)), default=(-1, 0.0))
    return best[0] >= 0 and best[1] > 0


@lru_cache(maxsize=128)
def _readable(header: str) -> bool:
    name, parameters = _split(header)
    if name == "application/json":
        return True
    known = name in {"application/taxii+json", "application/stix+json"}
    return known and parameters.get("version", "2.1") == "2.1"


def _rank(name: str, parameters: dict[str, str]) -> tuple[int, float]:
    """(how specific the range is, its quality); -1 where it does not cover our media type."""
    quality = _quality(parameters.get("q"))
    if name in _WILDCARDS:
        return _WILDCARDS[name], quality
    # "no plain JSON" is no refusal of TAXII, so it counts only where it asks for something
    if name == "application/json" and quality > 0:
        return _PLAIN_JSON, quality
    if name == "application/taxii+json":
        version = parameters.get("version")
        if version is None:
            return _ANY_VERSION, quality
        if version == "2.1":
            return _OUR_VERSION, quality
    return -1, 0.0


def _quality(text: str | None) -> float:
    """A quality that cannot be read counts as absent: the range was named after all."""
    if text is None or text in {"", "."} or not _QUALITY.fullmatch(text):
        return 1.0
    return min(float(text), 1.0)


def _elements(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The comma-separated ranges of a header; a comma inside quotes separates nothing."""
    for element in _ELEMENT.findall(header):
        yield _split(element)


def _split(element: str) -> tuple[str, dict[str, str]]:
    name = element.partition(";")[0].strip().lower()
    found = _PARAMETER.findall(element)
    return name, {key.lower(): value.strip('"').strip().lower() for key, value in found}


def _shown(header: str) -> str:
    return repr(header if len(header) <= 100 else header[:100] + "…")
