"""TAXII 2.1 section 4.2: one API root."""

from __future__ import annotations

from taxii_hub.taxii import resources
from taxii_hub.web.answers import Answer, answer
from taxii_hub.web.deps import api_root_of, client_of
from taxii_hub.web.visit import Visit


async def get(visit: Visit) -> Answer:
    """The API root, for members."""
    account = client_of(visit)
    return await answer(visit, resources.api_root(api_root_of(visit, account)))
