"""An invented corpus in the shape of ATT&CK with a feed of indicators: techniques, groups, malware, what relates them.

Half of it are relationships, three in ten are indicators, the rest describe; about 0.9 kB an object, half of
that prose. References lead to objects that came before. The same seed gives the same bytes.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import orjson

GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
_START = datetime(2020, 1, 1, tzinfo=UTC)
_KEPT = 2000
"""So many of the newest objects are related to others: what a million objects need in memory stays small."""

_WORDS = """
access account actor address adversary agent allow analyst archive attempt authentic backup balance beacon before
behaviour binary border branch broker browser bypass cache capture carrier channel chain cipher cleared client cloud
command common compile comply condition configure connect console contact contain control convert copy corridor courier
create credential custom daemon data decode default defend deliver deny deploy desktop detect device direct directory
disable discover disguise disk domain download driver dropper effect embed emulate enable encode encrypt endpoint
engine enroll enter escape event evidence execute expire exploit export expose extract facility failure feature field
file filter finance firmware follow force foreign freight front function gain gateway group guard handle harbour harvest
header hidden hollow host identity image impact implant import indicate infect inject input inside inspect install
instance intent interface internal invoke isolate kernel keep label lateral launch ledger legitimate level library
license limit link listen load local locate logon maintain manage mask memory message method mobile modify module
monitor mount move network notice object observe obtain operate order origin output owner packet parcel partner patch
path payload peer permit persist phase pivot plant platform policy port portal prepare prevent privilege probe process
product profile program protect protocol provide proxy public query queue reach record recruit redirect region registry
relay release remote remove replace request require resident resolve resource restore restrict reveal route runtime safe
sample scan schedule script search secret section secure select sensor server service session shadow share shell
shipment signal signature sleep socket source spawn spread stage start state steal storage stream string subject supply
suspend switch system table target task tenant terminal thread token tool trace traffic transfer transit trigger trust
tunnel unpack update upload utility validate value variant vendor verify version victim virtual visible volume wallet
watch web window wire worker wrapper write zone
""".split()  # noqa: SIM905 - as words they can be read
_SMALL = "the a of to and in for with on by from that this may which is are as or an its their when after into".split()  # noqa: SIM905 - as above
_KINDS = (
    ("relationship", 0.50),
    ("indicator", 0.30),
    ("attack-pattern", 0.07),
    ("malware", 0.05),
    ("tool", 0.03),
    ("intrusion-set", 0.02),
    ("course-of-action", 0.02),
    ("campaign", 0.01),
)
_VERBS = {"intrusion-set": "uses", "campaign": "uses", "malware": "uses", "course-of-action": "mitigates"}


def lines(size: int, seed: int = 1) -> list[bytes]:
    """``size`` objects, each as compact JSON."""
    return list(islice(stream(seed), size))


def stream(seed: int = 1) -> Iterator[bytes]:
    """As many objects as are asked for; memory does not grow with them."""
    maker = _Maker(random.Random(seed))
    while True:
        yield orjson.dumps(maker.make())


def copies(originals: list[bytes], seed: int) -> Iterator[bytes]:
    """Them again and again, each under an id of its own: many new objects for little time of the driver."""
    rng = random.Random(f"copies {seed}")  # not the ids of a corpus of that seed
    starts = [line.index(b"--") + 2 for line in originals]  # the first id in a line is its own
    while True:
        for line, start in zip(originals, starts, strict=True):
            text = str(uuid.UUID(int=rng.getrandbits(128), version=4)).encode()
            yield line[:start] + text + line[start + len(text) :]


def envelope(objects: list[bytes]) -> bytes:
    """Objects as the body of a POST."""
    return b'{"objects":[' + b",".join(objects) + b"]}"


class _Maker:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._made = 0
        self._known: list[tuple[str, str]] = []
        names, weights = zip(*_KINDS, strict=True)
        self._kinds: tuple[str, ...] = names
        self._weights: tuple[float, ...] = weights
        self._details: dict[str, Callable[[], dict[str, Any]]] = {
            "indicator": self._indicator,
            "attack-pattern": self._technique,
            "malware": lambda: {"is_family": True, "malware_types": ["remote-access-trojan"]},
            "intrusion-set": lambda: {"aliases": [self._name(), self._name()]},
        }

    def make(self) -> dict[str, Any]:
        kind = self._rng.choices(self._kinds, self._weights)[0] if len(self._known) > 2 else "malware"
        stamp = self._stamp()
        self._made += 1
        thing: dict[str, Any] = {
            "type": kind,
            "spec_version": "2.1",
            "id": f"{kind}--{uuid.UUID(int=self._rng.getrandbits(128), version=4)}",
            "created": stamp,
            "modified": stamp,
        }
        if kind == "relationship":
            return thing | self._relation()
        thing |= {"name": self._name()} | self._details.get(kind, dict)()
        if kind != "indicator":
            thing |= {"description": self._prose(16, 50), "external_references": self._sources(2)}
            self._known.append((kind, thing["id"]))
            if len(self._known) > _KEPT:
                del self._known[: _KEPT // 2]
        return thing

    def _stamp(self) -> str:
        at = _START + timedelta(seconds=self._made * 61, milliseconds=self._rng.randrange(60_000))
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"

    def _name(self) -> str:
        return " ".join(self._rng.choices(_WORDS, k=2)).title()

    def _prose(self, low: int, high: int) -> str:
        sentences = []
        for _ in range(self._rng.randint(low, high) // 4 + 1):
            words = []
            for _ in range(self._rng.randint(5, 9)):
                words += [self._rng.choice(_SMALL), self._rng.choice(_WORDS)]
            sentences.append(" ".join(words).capitalize() + ".")
        return " ".join(sentences)

    def _sources(self, most: int) -> list[dict[str, str]]:
        return [
            {
                "source_name": f"{self._name()} {2020 + self._rng.randrange(6)}",
                "description": self._prose(0, 3),
                "url": f"https://reports.example/{self._rng.choice(_WORDS)}/{self._rng.randrange(10**6):06}",
            }
            for _ in range(self._rng.randint(1, most))
        ]

    def _relation(self) -> dict[str, Any]:
        (kind, source), (_, target) = self._rng.sample(self._known, 2)
        return {
            "relationship_type": _VERBS.get(kind, "related-to"),
            "source_ref": source,
            "target_ref": target,
            "description": self._prose(8, 14),
            "external_references": self._sources(1),
        }

    def _technique(self) -> dict[str, Any]:
        number = self._rng.randrange(1000, 1700)
        phases = self._rng.sample(("initial-access", "execution", "persistence", "collection", "impact"), 2)
        return {
            "aliases": [f"T{number}"],
            "kill_chain_phases": [
                {"kill_chain_name": "lab-attack", "phase_name": phase} for phase in sorted(phases)
            ],
        }

    def _indicator(self) -> dict[str, Any]:
        rng = self._rng
        pattern = rng.choice(
            (
                f"[ipv4-addr:value = '10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}']",
                f"[domain-name:value = 'h{rng.getrandbits(32):08x}.example']",
                f"[file:hashes.'SHA-256' = '{rng.getrandbits(256):064x}']",
            )
        )
        return {
            "description": self._prose(3, 7),
            "indicator_types": ["malicious-activity"],
            "pattern": pattern,
            "pattern_type": "stix",
            "valid_from": self._stamp(),
            "confidence": rng.randrange(100),
            "labels": ["ct", f"feed-{rng.randrange(9)}"],
            "object_marking_refs": [GREEN],
        }
