"""The cases that a table cannot say: many clients at once, bytes beyond HTTP libraries, TLS, sizes."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.contract.assertions import CaseFailedError, called, check, document
from tests.contract.runner import TAXII, Case, CaseSkippedError, Session

CASES: list[Case] = []
_LARGEST_BODY = 150_000_000
# RFC 7540 appendix A, those that a current OpenSSL still offers
_WEAK = "AES128-SHA:AES256-SHA:AES128-SHA256:AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA"


def case(
    name: str, requires: str, needs: str = ""
) -> Callable[[Callable[[Session], None]], Callable[[Session], None]]:
    """Put a function into the same table as the YAML cases."""

    def register(run: Callable[[Session], None]) -> Callable[[Session], None]:
        CASES.append(Case(name, tuple(requires.replace(",", " ").split()), tuple(needs.split()), run))
        return run

    return register


# --- authentication ------------------------------------------------------------------------------


@case("malformed-authorization", "T-1.6.9-02")
def malformed_authorization(session: Session) -> None:
    values: list[bytes] = [
        b"Basic",
        b"Basic !!!",
        b"Basic bm9jb2xvbg==",  # no colon
        b"Basic /w==",  # not UTF-8
        b"Basic " + b"A" * 4096,
        b"Unknown abc",
        b"Bearer",
        b"\xff\xfe",
    ]
    for value in values:
        response = session.get(
            f"{session.target.root}/collections/", headers={"Authorization": value}, auth=None
        )
        check(response, {"status": [400, 401, 404]})


# --- bodies --------------------------------------------------------------------------------------


def _max_content_length(session: Session) -> int:
    most = int(document(session.get(f"{session.target.root}/"))["max_content_length"])
    if most > _LARGEST_BODY:
        raise CaseSkippedError(f"max_content_length is {most}")
    return most


def _padded(session: Session, size: int) -> tuple[dict[str, Any], bytes]:
    """An envelope of one object and exactly ``size`` bytes."""
    made = session.objects.make("indicator", {})
    body = json.dumps({"objects": [made]}).encode()
    return made, body[:-1] + b" " * (size - len(body)) + b"}"


@case("max-content-length", "T-5.5-08", "rw")
def max_content_length(session: Session) -> None:
    most = _max_content_length(session)
    made, body = _padded(session, most)
    path = f"{session.variables['rw']}/objects/"
    check(session.request("POST", path, content=body), {"status": 202})
    check(session.get(f"{path}{made['id']}/"), {"status": 200})
    made, body = _padded(session, most + 1)
    check(session.request("POST", path, content=body), {"status": 413, "error": True})
    check(session.get(f"{path}{made['id']}/"), {"status": 404})


def _chunks(body: bytes, size: int = 64 * 1024) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@case("chunked-bodies", "T-5.5-09", "rw")
def chunked_bodies(session: Session) -> None:
    most = _max_content_length(session)
    path = f"{session.variables['rw']}/objects/"
    made, body = _padded(session, 1000)
    check(session.request("POST", path, content=_chunks(body, 100)), {"status": 202})
    check(session.get(f"{path}{made['id']}/"), {"status": 200})
    made, body = _padded(session, most + 100_000)
    try:
        response = session.request("POST", path, content=_chunks(body))
    except CaseFailedError:
        pass  # a server may close the connection as soon as it has had enough
    else:
        check(response, {"status": 413, "error": True})
    check(session.get(f"{path}{made['id']}/"), {"status": 404})


# --- many at once --------------------------------------------------------------------------------

_WRITERS, _ROUNDS, _QUIET = 8, 10, 4


@case("concurrent-writers-and-a-follower", "R-01", "rw")
def concurrent_writers(session: Session) -> None:
    """Eight writers add 240 objects; a follower that knows nothing but the date header must get all."""
    marker = session.objects.make("indicator", {})
    session.post([marker])
    after = session.date_added(marker["id"])
    batches = [session.objects.make({"like": "indicator", "count": 3}, {}) for _ in range(_WRITERS * _ROUNDS)]
    seen: list[str] = []
    with ThreadPoolExecutor(_WRITERS) as writers:
        posted = [writers.submit(_post_alone, session, batch) for batch in batches]
        quiet = 0
        while quiet < _QUIET:
            added, after = _follow(session, after)
            seen += added
            quiet = 0 if added or not all(done.done() for done in posted) else quiet + 1
            time.sleep(0.02)
        for done in posted:
            done.result()
    wanted = {made["id"] for batch in batches for made in batch}
    missed, twice = wanted - set(seen), len(seen) - len(set(seen))
    if missed or twice:
        raise CaseFailedError(f"of {len(wanted)} objects {len(missed)} were missed and {twice} came twice")


def _post_alone(session: Session, batch: list[dict[str, Any]]) -> dict[str, Any]:
    """With a connection of its own; what became of the objects is the case's to judge."""
    with httpx.Client(timeout=30, verify=session.target.verify) as client:
        own = Session(session.target, client, session.objects)
        response = own.request("POST", f"{own.variables['rw']}/objects/", json={"objects": batch})
        check(response, {"status": 202})
        return own.settled(document(response))


def _follow(session: Session, after: str) -> tuple[list[str], str]:
    """Who is told to come back later does."""
    for _ in range(10):
        response = session.get(f"{session.variables['rw']}/objects/?added_after={after}&limit=20")
        if response.status_code != 503 or "Retry-After" not in response.headers:
            break
        time.sleep(float(response.headers["Retry-After"]))
    check(response, {"status": 200})
    ids = [found["id"] for found in document(response).get("objects", [])]
    return ids, response.headers.get("X-TAXII-Date-Added-Last", after) if ids else after


@case("parallel-posts-of-one-object", "R-02", "rw")
def parallel_posts(session: Session) -> None:
    made = session.objects.make("indicator", {})
    with ThreadPoolExecutor(20) as threads:
        for done in [threads.submit(_post_alone, session, [made]) for _ in range(20)]:
            done.result()
    for kind in ("manifest", "objects"):
        path = f"{session.variables['rw']}/{kind}/?match[id]={made['id']}&match[version]=all"
        check(session.get(path), {"status": 200, "body": {"objects": {"length": 1}}})


# --- headers -------------------------------------------------------------------------------------


@case("date-header", "R-03")
def date_header(session: Session) -> None:
    response = session.get("/taxii2/")
    if "Date" not in response.headers:
        raise CaseFailedError(f"{called(response)}: there is no Date header")
    off = abs((parsedate_to_datetime(response.headers["Date"]) - datetime.now(UTC)).total_seconds())
    if off > 5:
        raise CaseFailedError(f"{called(response)}: the Date header is {off:.0f} seconds off")


# --- TLS -----------------------------------------------------------------------------------------


def _handshake(session: Session, version: ssl.TLSVersion, ciphers: str | None = None) -> str | None:
    """What was agreed on, or None where the server refused."""
    url = urlsplit(str(session.target.tls_url))
    context = ssl.create_default_context(cafile=session.target.tls_ca)
    # level 0 lets this client offer what the server has to refuse
    context.set_ciphers(f"{ciphers or 'ALL'}:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection((str(url.hostname), url.port or 443), timeout=10) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=url.hostname) as secured:
                request = f"GET /taxii2/ HTTP/1.1\r\nHost: {url.hostname}\r\nAccept: {TAXII}\r\nConnection: close\r\n\r\n"
                secured.sendall(request.encode())
                answered = secured.recv(16)
                return secured.version() if answered.startswith(b"HTTP/1.1") else None
        except (ssl.SSLError, ConnectionError):
            return None


@case("tls-1.2", "T-8.2.2-01", "tls")
def tls_1_2(session: Session) -> None:
    if _handshake(session, ssl.TLSVersion.TLSv1_2) != "TLSv1.2":
        raise CaseFailedError("no HTTPS answer with TLS 1.2")


@case("tls-1.3-and-ciphers", "T-8.2.2-02", "tls")
def tls_1_3(session: Session) -> None:
    if _handshake(session, ssl.TLSVersion.TLSv1_3) != "TLSv1.3":
        raise CaseFailedError("no HTTPS answer with TLS 1.3")
    for cipher in _WEAK.split(":"):
        if _handshake(session, ssl.TLSVersion.TLSv1_2, cipher):
            raise CaseFailedError(f"cipher {cipher} is accepted")


@case("old-tls", "T-8.2.2-03", "tls")
def old_tls(session: Session) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # asking for what is refused
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            if _handshake(session, version):
                raise CaseFailedError(f"{version.name} is accepted")


__all__ = ["CASES"]
