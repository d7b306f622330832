"""A whole hub inside the test's process, on a database of its own, with a small invented catalogue."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from taxii_hub.bootstrap import open_hub
from taxii_hub.catalog.documents import to_document
from taxii_hub.catalog.loader import load_catalog
from taxii_hub.exchange.access import Place, place_for
from taxii_hub.exchange.hub import Hub
from taxii_hub.model import Account
from taxii_hub.settings import Settings

AGENCIES = """
agencies:
  gb-owl: {title: Owl, country: GB, identity: identity--a91f1b56-6250-4a52-8a32-2ce82c6bcdb1}
  us-elk: {title: Elk, country: US, identity: identity--ca09022c-04f5-4848-a2a8-12ea9a2178a1}
  fr-coq: {title: Coq, country: FR}
"""
ROOT = """
title: Test framework
members: [gb-owl, us-elk]
collections:
  - {id: 7b1f0c87-6e65-44fe-a789-7a6f5245842b, alias: strict, title: Strict, read: members, write: members,
     validation: strict, default_marking: clear, accepts: [un_sc_consolidated_xml, ch_seco_xml, jp_mof_xlsx]}
  - {id: 8b1f0c87-6e65-44fe-a789-7a6f5245842b, alias: report, title: Report, read: members, write: [gb-owl],
     validation: report, default_marking: red}
  - {id: 9b1f0c87-6e65-44fe-a789-7a6f5245842b, alias: "off", title: Lenient, read: [us-elk], write: members,
     validation: "off", default_marking: clear}
  - {id: ab1f0c87-6e65-44fe-a789-7a6f5245842b, alias: siem, title: For SIEMs, read: [us-elk],
     view_of: strict, types: [indicator]}
"""


def account(agency: str, *roles: str) -> Account:
    return Account(f"{agency}-siem", agency, frozenset(roles or ("reader", "writer")))


@asynccontextmanager
async def opened_hub(uri: str, database: str, data: Path | None = None) -> AsyncIterator[Hub]:
    """A started hub with the catalogue above in force; ``data``: its data folder, to open it again."""
    with tempfile.TemporaryDirectory() if data is None else nullcontext(data) as folder:
        files = Path(folder) / "collections"
        files.mkdir(exist_ok=True)
        _written(files, AGENCIES, ROOT)
        settings = replace(
            Settings(),
            mongodb_uri=uri,
            mongodb_database=database,
            data_dir=Path(folder),
            collections_dir=files,
        )
        async with open_hub(settings, lifetime=0.05) as hub:
            await hub.catalogs.apply(deepcopy(_catalogue(AGENCIES, ROOT)), by="test")
            yield hub


@cache
def _catalogue(agencies: str, root: str) -> dict[str, Any]:
    """Read once: hundreds of hubs are given the same."""
    with tempfile.TemporaryDirectory() as folder:
        _written(Path(folder), agencies, root)
        return to_document(load_catalog(Path(folder)))


def _written(folder: Path, agencies: str, root: str) -> None:
    (folder / "agencies.yaml").write_text(agencies)
    (folder / "test.yaml").write_text(root)


def place(hub: Hub, agency: str, alias: str) -> Place:
    """That agency before one of the collections."""
    return place_for(hub, account(agency), "test", alias)
