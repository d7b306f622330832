"""Runs contract cases against any TAXII 2.1 server: plain HTTP, no knowledge of its code."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import httpx

from tests.contract.assertions import CaseFailedError, called, check, check_document, compare, document
from tests.contract.objects import Objects, load
from tests.contract.target import Target
from tests.contract.template import ABSENT, render, select

TAXII = "application/taxii+json;version=2.1"
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
FOLDER = Path(__file__).parent / "taxii21"
METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS")
_LAST = "X-TAXII-Date-Added-Last"
_MOST_PAGES = 200

Outcome = Literal["pass", "fail", "skipped"]


class CaseSkippedError(Exception):
    """The target lacks what the case needs."""


@dataclass(frozen=True)
class Case:
    """One case. ``requires`` are requirement ids, ``needs`` collection kinds or ``tls``."""

    name: str
    requires: tuple[str, ...]
    needs: tuple[str, ...]
    run: Callable[[Session], None]


@dataclass(frozen=True)
class Result:
    case: str
    requires: tuple[str, ...]
    outcome: Outcome
    reason: str = ""
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Session:
    """One case being run: a client, the variables, and the words of the case language."""

    def __init__(self, target: Target, client: httpx.Client, objects: Objects) -> None:
        self.target = target
        self.client = client
        self.objects = objects
        self.variables: dict[str, Any] = {
            **target.variables(),
            "TIME": TIME,
            "UUID4": UUID4,
            "types": objects.types,
            "user": target.user,
            "password": target.password,
            "nonce": uuid.uuid4().hex,
            "nested": '{"objects":[' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "]}",
        }

    # --- requests --------------------------------------------------------------------------------

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """``options``: headers (None removes one), auth (False: none; (user, password)), json, content."""
        headers = {"Accept": TAXII, "User-Agent": "contract-cases"}
        if "json" in options or "content" in options:
            headers["Content-Type"] = TAXII
        headers.update(options.pop("headers", {}))
        kept = {name: value for name, value in headers.items() if value is not None}
        auth = options.pop("auth", (self.target.user, self.target.password))
        built = self.client.build_request(method, self.target.url + path, headers=kept, **options)
        for name in ("accept", "user-agent", "accept-encoding"):
            if name not in {given.lower() for given in kept}:
                del built.headers[name]
        try:
            return self.client.send(built, auth=httpx.BasicAuth(*auth) if auth else None)
        except httpx.HTTPError as error:
            raise CaseFailedError(f"{method} {path[:160]}: {type(error).__name__}: {error}") from None

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, objects: list[Any], to: str = "rw") -> dict[str, Any]:
        """Add objects as set-up; all of them must succeed."""
        response = self.request("POST", f"{self.variables[to]}/objects/", json={"objects": objects})
        if response.status_code != 202:
            raise CaseFailedError(f"set-up: {called(response)}: {response.text[:200]}")
        status = self.settled(document(response))
        if status.get("failure_count", 0):
            raise CaseFailedError(
                f"set-up: {called(response)} with failures {str(status.get('failures'))[:200]}"
            )
        self.variables["status"] = status
        return status

    def settled(self, status: dict[str, Any]) -> dict[str, Any]:
        """The status once it is complete."""
        for _ in range(50):
            if status.get("status") == "complete":
                break
            time.sleep(0.1)
            status = document(self.get(f"{self.target.root}/status/{status['id']}/"))
        return status

    def date_added(self, object_id: str) -> str:
        path = f"{self.variables['rw']}/manifest/?match[id]={object_id}"
        found = select(document(self.get(path)), "objects[0].date_added")
        if found is ABSENT:
            raise CaseFailedError(f"set-up: the manifest does not list {object_id}")
        return str(found)

    def walk(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Follow a paged list to its end, by ``next`` or by the date header alone."""
        key = "versions" if wanted["path"].rstrip("/").endswith("versions") else "objects"
        fixed = {name: str(value) for name, value in wanted.get("query", {}).items()}
        fixed["limit"] = str(wanted["limit"])
        query, items, sizes, headers = dict(fixed), [], [], []
        for _ in range(_MOST_PAGES):
            response = self.get(_with_query(wanted["path"], query))
            check(response, {"status": 200})
            body = document(response)
            page = body.get(key, [])
            items += page
            sizes.append(len(page))
            headers.append([response.headers.get("X-TAXII-Date-Added-First"), response.headers.get(_LAST)])
            if wanted.get("by", "next") == "next":
                query = {**fixed, "next": str(body.get("next"))}
                going = bool(body.get("more"))
                if going and "next" not in body:
                    raise CaseFailedError(f"{called(response)}: more is true but there is no next")
            else:
                going = bool(page)
                query = {**fixed, "added_after": str(response.headers.get(_LAST))}
            if not going:
                ids = [item["id"] for item in items if isinstance(item, dict) and "id" in item]
                return {"items": items, "ids": ids, "sizes": sizes, "headers": headers}
        raise CaseFailedError(f"GET {wanted['path']}: no end after {_MOST_PAGES} pages")

    # --- the case language -----------------------------------------------------------------------

    def steps(self, steps: Iterable[Mapping[str, Any]]) -> None:
        for step in steps:
            self.step(step)

    def step(self, step: Mapping[str, Any]) -> None:
        word = next(iter(step))
        if word in METHODS:
            self._request_step(word, step)
        elif word in WORDS:
            WORDS[word](self, step)
        else:
            raise ValueError(f"there is no step {word!r}")

    def _request_step(self, method: str, step: Mapping[str, Any]) -> None:
        if unknown := set(step) - {method, *OPTIONS}:
            raise ValueError(f"{method}: unknown {sorted(unknown)}")
        step = {**step, **{key: render(step[key], self.variables) for key in step if key != "capture"}}
        options: dict[str, Any] = {key: step[key] for key in ("headers", "auth", "json") if key in step}
        if "text" in step:
            options["content"] = step["text"].encode()
        if "hex" in step:
            options["content"] = bytes.fromhex(step["hex"])
        if isinstance(options.get("auth"), list):
            options["auth"] = tuple(options["auth"])
        response = self.request(method, _with_query(step[method], step.get("query", {})), **options)
        check(response, step.get("expect", {}))
        self._capture(response, step.get("capture", {}))

    def _capture(self, response: httpx.Response, wanted: Mapping[str, str]) -> None:
        for name, source in wanted.items():
            kind, _, path = source.partition(" ")
            value = (
                response.headers.get(path, ABSENT) if kind == "header" else select(document(response), path)
            )
            if value is ABSENT:
                raise CaseFailedError(f"{called(response)}: there is no {source}")
            self.variables[name] = value

    def _make(self, step: Mapping[str, Any]) -> None:
        for name, wanted in step["make"].items():
            self.variables[name] = self.objects.make(wanted, self.variables)

    def _set(self, step: Mapping[str, Any]) -> None:
        for name, value in step["set"].items():
            self.variables[name] = render(value, self.variables)

    def _post(self, step: Mapping[str, Any]) -> None:
        objects: list[Any] = []
        for value in render(step["post"], self.variables):
            objects += value if isinstance(value, list) else [value]
        self.post(objects, step.get("to", "rw"))

    def _settled(self, step: Mapping[str, Any]) -> None:
        path = f"{self.target.root}/status/{render(step['settled'], self.variables)}/"
        self.settled(document(self.get(path)))

    def _baseline(self, step: Mapping[str, Any]) -> None:
        marker = self.objects.make("indicator", {})
        self.post([marker])
        self.variables[step["baseline"]] = self.date_added(marker["id"])

    def _walk(self, step: Mapping[str, Any]) -> None:
        wanted = render(step["walk"], self.variables)
        found = self.walk(wanted)
        where = f"walk of {wanted['path'].removeprefix(self.target.root)} by {wanted.get('by', 'next')}, limit {wanted['limit']}"
        check_document(where, found, render(step.get("expect", {}), self.variables))
        if "as" in step:
            self.variables[step["as"]] = found

    def _each(self, step: Mapping[str, Any]) -> None:
        (name, values), *rest = step["each"].items()
        for value in render(values, self.variables):
            self.variables[name] = value
            if rest:
                self._each({**step, "each": dict(rest)})
            else:
                self.steps(step["do"])

    def _require(self, step: Mapping[str, Any]) -> None:
        for expression, condition in step["require"].items():
            compare(expression, render(expression, self.variables), render(condition, self.variables))

    def _skip_unless(self, step: Mapping[str, Any]) -> None:
        for name, path in step["skip_unless"].items():
            if select(document(self.get(render(path, self.variables))), name) is ABSENT:
                raise CaseSkippedError(f"the server gives no {name}")


OPTIONS = ("query", "headers", "auth", "json", "text", "hex", "expect", "capture")
WORDS: dict[str, Callable[[Session, Mapping[str, Any]], None]] = {
    "make": Session._make,
    "set": Session._set,
    "post": Session._post,
    "settled": Session._settled,
    "baseline": Session._baseline,
    "walk": Session._walk,
    "each": Session._each,
    "require": Session._require,
    "skip_unless": Session._skip_unless,
}


def _with_query(path: str, query: Mapping[str, Any]) -> str:
    if not query:
        return path
    text = str(httpx.QueryParams({key: str(value) for key, value in query.items()}))
    return f"{path}{'&' if '?' in path else '?'}{text}"


# --- collecting and running ----------------------------------------------------------------------


def yaml_cases() -> list[Case]:
    """The cases of every file in ``taxii21/``, in the order of their files."""
    return [_case(entry) for path in sorted(FOLDER.glob("[!_]*.yaml")) for entry in load(path)]


def _case(entry: Mapping[str, Any]) -> Case:
    if set(entry) - {"case", "requires", "needs", "steps"}:
        raise ValueError(f"{entry.get('case')}: unknown {sorted(entry)}")
    return Case(
        name=entry["case"],
        requires=_words(entry["requires"]),
        needs=_words(entry.get("needs", "")),
        run=lambda session: session.steps(entry["steps"]),
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def all_cases() -> list[Case]:
    from tests.contract.python_cases import CASES

    cases = [*yaml_cases(), *CASES]
    names = [case.name for case in cases]
    if doubles := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"cases of one name: {sorted(doubles)}")
    return cases


def run_case(case: Case, target: Target) -> Result:
    started = time.perf_counter()
    outcome, reason = _attempt(case, target)
    return Result(case.name, case.requires, outcome, reason, round(time.perf_counter() - started, 3))


def _attempt(case: Case, target: Target) -> tuple[Outcome, str]:
    available = {*target.collections, *(["tls"] if target.tls_url else [])}
    if missing := [need for need in case.needs if need not in available]:
        return "skipped", f"the target has no {', '.join(missing)}"
    with httpx.Client(timeout=30, follow_redirects=False, verify=target.verify) as client:
        try:
            case.run(Session(target, client, Objects()))
        except CaseFailedError as failure:
            return "fail", str(failure)
        except CaseSkippedError as skipped:
            return "skipped", str(skipped)
    return "pass", ""
