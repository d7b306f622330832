"""An invented national list, its ingest interrupted, and the proof that exactly the whole list is there."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.watched import Target, Watched
from tests.support.wire_client import Answer

if TYPE_CHECKING:
    from tests.faults.faults import Strike

Started = Callable[[str], Awaitable[Any]]

DESIGNATIONS = "/un-gcts/collections/designations"
_SLOW = 120.0
"""Seconds that all runs of one ingest may take; a killed one keeps its claim on the list for some of them."""


def national_list(folder: Path, edition: int, records: int) -> Path:
    """The consolidated list of that edition: everybody has another first name than in the one before."""
    people = "".join(
        f"<INDIVIDUAL><DATAID>{number}</DATAID><FIRST_NAME>EDITION {edition}</FIRST_NAME>"
        f"<SECOND_NAME>INVENTED {number}</SECOND_NAME><UN_LIST_TYPE>Al-Qaida</UN_LIST_TYPE>"
        f"<REFERENCE_NUMBER>QDi.{number}</REFERENCE_NUMBER>"
        f"<NATIONALITY><VALUE>Jordan</VALUE></NATIONALITY></INDIVIDUAL>"
        for number in range(1001, 1001 + records)
    )
    path = folder / f"edition{edition}.xml"
    day = f"20{26 + edition // 12:02}-{edition % 12 + 1:02}-01"
    path.write_text(
        f'<CONSOLIDATED_LIST dateGenerated="{day}T00:00:00Z"><INDIVIDUALS>{people}</INDIVIDUALS></CONSOLIDATED_LIST>'
    )
    return path


async def interrupted_ingest(strike: Strike, ingest: Started) -> str:
    """Kill it twice while it publishes, let it run to its end, and compare."""
    site = strike.site
    edition = len(list(site.folder.glob("edition*.xml")))
    path = national_list(site.folder, edition, strike.times.records)
    client = Watched([Target(site.hub.url + DESIGNATIONS, site.auth)])
    killed: list[int] = []
    try:
        start = await _end(client)
        for share in (0.2, 0.6):
            run = await ingest(str(path))
            while await _progress(client, start) < share * strike.times.records and run.returncode is None:  # noqa: ASYNC110
                await asyncio.sleep(0.2)  # it is seen in the collection only
            if run.returncode is None:
                run.kill()
                await run.wait()
                killed.append(await _progress(client, start))
        runs = await _to_its_end(path, ingest)
        await _compare(client, edition, strike.times.records)
    finally:
        client.close()
    assert not client.wrong, client.wrong
    return f"killed after {' and '.join(map(str, killed))} of {strike.times.records}, done in run {runs}"


async def _to_its_end(path: Path, ingest: Started) -> int:
    """The killed run's claim on the list ends by itself; until then others are told to wait."""
    until = time.monotonic() + _SLOW
    runs = 2
    while True:
        runs += 1
        run = await ingest(str(path))
        _, said = await run.communicate()
        if run.returncode == 0:
            return runs
        assert time.monotonic() < until, said.decode()
        await asyncio.sleep(0.5)


async def _end(client: Watched) -> str:
    answer = await _asked(client, "manifest", {"added_after": "2999-01-01T00:00:00Z"})
    last = answer.headers.get("x-taxii-date-added-last", "2999")
    return last if last < "2999" else "2000-01-01T00:00:00Z"


async def _progress(client: Watched, start: str) -> int:
    """How many records have come, or changed, after that moment."""
    asked = {"added_after": start, "match[type]": "identity", "match[version]": "all", "limit": "10000"}
    body: Any = (await _asked(client, "manifest", asked)).json()
    return len(body.get("objects", []))


async def _asked(client: Watched, what: str, parameters: dict[str, str]) -> Answer:
    while True:
        answer = await client.get(f"{DESIGNATIONS}/{what}/", parameters)
        if answer is not None and answer.status == 200:
            return answer
        await asyncio.sleep(0.1)


async def _stored(client: Watched, edition: int) -> Counter[str]:
    """How many versions of each record of this edition there are, by reference."""
    found: Counter[str] = Counter()
    parameters = {"match[type]": "identity", "match[version]": "all", "limit": "1000"}
    while True:
        body: Any = (await _asked(client, "objects", parameters)).json()
        for item in body.get("objects", []):
            if item["name"].startswith(f"EDITION {edition} "):
                found[item["external_references"][0]["external_id"]] += 1
        if not body.get("more"):
            return found
        parameters["next"] = body["next"]


async def _compare(client: Watched, edition: int, records: int) -> None:
    found = await _stored(client, edition)
    wanted = {f"QDi.{number}" for number in range(1001, 1001 + records)}
    assert found.keys() == wanted, f"missing {wanted - found.keys()}, too many {found.keys() - wanted}"
    assert set(found.values()) == {1}, f"more than once: {[r for r, n in found.items() if n > 1]}"
