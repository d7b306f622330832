"""Answers of the TAXII resources: ready bytes, the one media type, coded as the client asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from taxii_hub.model import Account, Page
from taxii_hub.taxii import resources
from taxii_hub.taxii.media_types import TAXII
from taxii_hub.web.coding import coded
from taxii_hub.web.visit import Visit

JSON: Final = "application/json"

Header = tuple[bytes, bytes]

_VARY: Final[Header] = (b"vary", b"Accept-Encoding")
_TYPES: Final = {each: (b"content-type", each.encode()) for each in (TAXII, JSON)}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent; the front layer adds the length and the headers that all answers have."""

    body: bytes
    status: int = 200
    headers: Sequence[Header] = ()


def plain(body: bytes, status: int = 200, headers: Sequence[Header] = (), media_type: str = TAXII) -> Answer:
    """``body`` as it is."""
    return Answer(body, status, (_typed(media_type), *headers))


async def answer(
    visit: Visit, body: bytes, status: int = 200, headers: Sequence[Header] = (), media_type: str = TAXII
) -> Answer:
    """``body`` coded as the client asks for."""
    sent, coding = await coded(body, visit.header(b"accept-encoding"))
    told = [_typed(media_type), _VARY, *headers]
    if coding is not None:
        told.append((b"content-encoding", coding.encode()))
    return Answer(sent, status, told)


async def page_answer(visit: Visit, body: bytes, page: Page) -> Answer:
    """One page of objects, manifest records or versions, with its date headers."""
    visit.objects = len(page.stamps)
    visit.newest = page.stamps[-1] if page.stamps else None
    visit.mark = page.mark
    dates = resources.date_headers(page)
    return await answer(visit, body, headers=[(n.encode(), v.encode()) for n, v in dates.items()])


def wants_empty_list(account: Account) -> bool:
    """Whether an empty answer names its list: Elastic's program fails without (clients.md 23)."""
    return account.client_profile == "elastic"


def _typed(media_type: str) -> Header:
    return _TYPES.get(media_type) or (b"content-type", media_type.encode())
