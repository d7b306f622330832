"""Microseconds of one ``authenticate`` call, and whether known and unknown keys take the same time.

``python bench/authenticate.py [CALLS]``: needs no database. Known and unknown keys are asked in turn,
so that a busy machine is busy for both. Exit code 1: the goal of 50 µs (p50) or of medians within
5 % was missed. Figures stand in docs/accounts.md.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator

from taxii_hub.errors import UnauthorizedError
from taxii_hub.exchange.accounts import Accounts
from taxii_hub.exchange.credentials import checksum, mac_of, mint_key
from taxii_hub.keyring import KeyEntry
from taxii_hub.store.account_records import AccountRecord, Directory, KeyRecord

ACCOUNTS = 200
GOAL = 50.0
SAME = 0.05
PEPPER = b"p" * 32


class Peppers:
    def newest(self, kind: str) -> tuple[int, bytes]:
        return 1, PEPPER

    def all(self, kind: str) -> dict[int, KeyEntry]:
        return {1: KeyEntry(PEPPER, 0)}


class Shelf:
    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    async def revision(self) -> int:
        return self.directory.revision

    async def read(self) -> Directory:
        return self.directory

    async def note_use(self, uses: object) -> None:
        pass


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def with_other_secret(key_id: str) -> str:
    body = f"thub_{key_id}_{mint_key().secret}"
    return f"{body}_{checksum(body)}"


def timed(accounts: Accounts, header: str, source: str) -> float:
    now = time.time()
    began = time.perf_counter_ns()
    with contextlib.suppress(UnauthorizedError):
        accounts.authenticate(header, None, source, now)
    return (time.perf_counter_ns() - began) / 1000


def sources() -> Iterator[str]:
    """A new source for each failure, so that nothing is locked."""
    number = 0
    while True:
        number += 1
        yield f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def measure(accounts: Accounts, keys: list, calls: int) -> dict[str, list[float]]:
    source = sources()
    # Each failing key is made by the same work, so that the caches of the processor are alike too.
    ids = [key.id for key in keys]
    asks: dict[str, Callable[[int], str]] = {
        "hit (cached)": lambda i: basic("siem", keys[i % ACCOUNTS].text),
        "first verify": lambda i: basic(f"user{i}", keys[i % ACCOUNTS].text),
        "failure, known key id": lambda i: basic(
            "siem", with_other_secret((mint_key().id, ids[i % ACCOUNTS])[1])
        ),
        "failure, unknown key id": lambda i: basic(
            "siem", with_other_secret((mint_key().id, ids[i % ACCOUNTS])[0])
        ),
        "failure, no key at all": lambda i: basic(f"user{i}", "hunter2" * 11),
    }
    taken: dict[str, list[float]] = {name: [] for name in asks}
    for i in range(calls):
        if i % 1000 == 0:
            asyncio.run(accounts.refresh())
        for name, header in asks.items():
            taken[name].append(timed(accounts, header(i), next(source)))
    return taken


def main() -> int:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    keys = [mint_key() for _ in range(ACCOUNTS)]
    accounts = Accounts(
        Shelf(
            Directory(
                1,
                tuple(
                    AccountRecord(f"a{i}", "gb", frozenset({"reader"}), "standard", None, 0)
                    for i in range(ACCOUNTS)
                ),
                tuple(
                    KeyRecord(k.id, f"a{i}", 1, mac_of(PEPPER, k.secret.encode()), 0)
                    for i, k in enumerate(keys)
                ),
            )
        ),
        Peppers(),
    )
    asyncio.run(accounts.load())
    gc.disable()
    taken = measure(accounts, keys, calls)
    medians = {name: statistics.median(values) for name, values in taken.items()}
    for name, values in taken.items():
        print(
            f"{name:26} p50 {medians[name]:6.1f} µs   p99 {statistics.quantiles(values, n=100)[98]:6.1f} µs"
        )
    known, unknown = medians["failure, known key id"], medians["failure, unknown key id"]
    apart = abs(known - unknown) / max(known, unknown)
    print(f"known and unknown key ids: medians {apart:.1%} apart")
    return 0 if max(medians.values()) <= GOAL and apart <= SAME else 1


if __name__ == "__main__":
    sys.exit(main())
