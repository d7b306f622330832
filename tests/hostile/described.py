"""What the two OpenAPI descriptions allow, and what they do not, sent by schemathesis.

python -m tests.hostile.described [REQUESTS] [SEED]     (20,000 over both)
"""

from __future__ import annotations

import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import requests
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisWarning, Unsatisfiable

from tests.hostile.oracle import TAXII, Reply, faults
from tests.hostile.wire import Target
from tests.support.hubs import RunningHub, running_hub

TAXII_SIDE = Path(__file__).parents[2] / "docs" / "taxii-openapi.yaml"
USERS = ("hub-lab", "demo-liaison", "demo-auditor", "demo-admin", "gb-heron")
HANG = 20.0
REAL = {"api_root": "sandbox", "collection": "scratch"}


@dataclass
class Outcome:
    """What a run found."""

    sent: int = 0
    operations: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def text(self) -> str:
        """For people and for docs/security.md."""
        statuses = ", ".join(f"{status} {n}" for status, n in sorted(self.statuses.items()))
        lines = [
            f"{self.sent} requests over {self.operations} operations in {self.seconds:.0f} s",
            f"statuses: {statuses}",
            f"faults: {len(self.wrong)}",
        ]
        return "\n".join(lines + self.wrong[:20])


class Described:
    """One run against one hub."""

    def __init__(self, hub: RunningHub, number: int, seconds: float = 1800) -> None:
        self._until = time.monotonic() + seconds
        self._url = hub.url
        self._people = [Target.of(hub.url, hub.credentials(user)) for user in USERS]
        self._session = requests.Session()
        self._chance = random.Random(number)
        self._number = number
        self.outcome = Outcome()

    def run(self, count: int, most: int = 1000) -> Outcome:
        """About ``count`` requests, as many for each operation, of which there are ``most``, taken at random."""
        began = time.monotonic()
        operations = list(self._operations())
        self._chance.shuffle(operations)
        del operations[most:]
        self.outcome.operations = len(operations)
        for operation in operations:
            for strategy in _strategies(operation) if time.monotonic() < self._until else ():
                self._send(strategy, max(1, count // (2 * len(operations))))
        self._session.close()
        self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def _operations(self) -> Iterator[Any]:
        import schemathesis

        admin = self._people[3]
        own = admin.ask(admin.get(b"/api/v1/openapi.json")).json()
        for document in (own, yaml.safe_load(TAXII_SIDE.read_text())):
            for found in schemathesis.openapi.from_dict(document).get_all_operations():
                yield found.ok()

    def _send(self, strategy: Any, count: int) -> None:
        @seed(self._number)
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def each(case: Any) -> None:
            self._one(case)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries that make the cases; what they make is judged
            try:
                each()
            except Unsatisfiable:
                return  # nothing that is wrong can be made for an operation without parameters

    def _one(self, case: Any) -> None:
        chance = self._chance
        if chance.random() < 0.7 and isinstance(case.path_parameters, dict):
            case.path_parameters.update({k: v for k, v in REAL.items() if k in case.path_parameters})
        sent = case.as_transport_kwargs(base_url=self._url)
        headers = {k: v for k, v in (sent.pop("headers", None) or {}).items() if k.lower() != "authorization"}
        person = chance.choice(self._people)
        headers["Authorization"] = person.basic.decode()
        if chance.random() < 0.5:
            headers["Accept"] = TAXII
        self.outcome.sent += 1
        try:
            answer = self._session.request(**sent, headers=headers, timeout=HANG, allow_redirects=False)
        except (requests.exceptions.InvalidHeader, UnicodeError, requests.exceptions.InvalidURL):
            return  # the client itself does not send it; the generator of raw requests does
        except requests.RequestException as error:
            self.outcome.wrong.append(f"{case.method} {sent['url'][:300]}: {error}"[:600])
            return
        self._judge(answer)

    def _judge(self, answer: requests.Response) -> None:
        asked = f"{answer.request.method} {answer.request.url}"
        headers = {
            name.lower(): value
            for name, value in answer.headers.items()
            if name.lower() != "content-encoding"
        }
        reply = Reply(answer.status_code, headers, answer.content)
        found = faults(
            reply,
            head_only=answer.request.method == "HEAD",
            asked=f"{unquote(asked)} {answer.request.body!r}",
        )
        if reply.status == 503:
            found.append("503 with a database that is there")
        self.outcome.statuses[reply.status] += 1
        self.outcome.wrong += [
            f"{asked[:500]}: {what}; body {str(answer.request.body)[:300]}" for what in found
        ]


def _strategies(operation: Any) -> Sequence[Any]:
    from schemathesis import GenerationMode

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HypothesisWarning)
        modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        return [operation.as_strategy(generation_mode=mode) for mode in modes]


def main(count: int, number: int, seconds: int) -> int:
    """Run against a demo of its own. 1 where anything was wrong."""
    sys.stdout.write(f"{count} requests, seed {number}\n")
    sys.stdout.flush()
    with running_hub(settings={"TAXII_HUB_WORKERS": "1", "TAXII_HUB_LOG_LEVEL": "warning"}) as hub:
        outcome = Described(hub, number, seconds).run(count)
    sys.stdout.write(outcome.text() + "\n")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    given_numbers = [int(each) for each in sys.argv[1:]]
    defaults = [20_000, random.SystemRandom().randrange(1_000_000), 1800]
    sys.exit(main(*given_numbers, *defaults[len(given_numbers) :]))
