"""Clients that never come to an end: others are served meanwhile, and memory stays where it was."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest

from tests.hostile.oracle import faults
from tests.hostile.wire import PROMPT, Target
from tests.support.hubs import RunningHub
from tests.support.probe import indicator

OBJECTS = b"/sandbox/collections/scratch/objects/"
MANY = 40


def served(target: Target, times: int = 5) -> None:
    """Somebody else polls and publishes as if nothing was."""
    body = orjson.dumps({"objects": [indicator(1)]})
    for _ in range(times):
        for request, status in ((target.get(OBJECTS + b"?limit=10"), 200), (target.post(OBJECTS, body), 202)):
            began = time.monotonic()
            reply = target.ask(request)
            assert time.monotonic() - began < PROMPT
            assert (reply.status, faults(reply)) == (status, [])


def megabytes(hub: RunningHub) -> int:
    """Resident memory of the web processes."""
    pages = [Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in hub.worker_pids()]
    return sum(map(int, pages)) * 4096 >> 20


HALF_OPEN = {
    "silent connections": b"",
    "half a request line": b"GET /taxii2/ HT",
    "half a head": b"GET /taxii2/ HTTP/1.1\r\nHost: hub\r\nX-Name: val",
    "half a body": b"BODY",
    "chunks without end": b"CHUNKS",
    "answers nobody reads": b"READ",
}


@pytest.mark.parametrize("case", HALF_OPEN)
def test_half_open_connections_keep_nobody_waiting(hub: RunningHub, engineer: Target, case: str) -> None:
    lead = {
        b"BODY": engineer.head(
            b"POST " + OBJECTS + b" HTTP/1.1", b"Content-Type: application/json", b"Content-Length: 900000"
        )
        + b"\r\n\r\n{",
        b"CHUNKS": engineer.head(
            b"POST " + OBJECTS + b" HTTP/1.1",
            b"Content-Type: application/json",
            b"Transfer-Encoding: chunked",
        )
        + b"\r\n\r\n1\r\n{\r\n",
        b"READ": engineer.get(b"/un-gcts/collections/") * 50,
    }.get(HALF_OPEN[case], HALF_OPEN[case])
    before = megabytes(hub)
    with ExitStack() as stack:
        connections = [stack.enter_context(engineer.connect()) for _ in range(MANY)]
        for connection in connections:
            connection.sendall(lead)
        for _ in range(3):
            for connection in connections:
                drip(connection, case)
            served(engineer, 1)
        assert megabytes(hub) - before < 100
    served(engineer, 1)


def drip(connection: socket.socket, case: str) -> None:
    drop = {
        "chunks without end": b"1\r\n \r\n",
        "half a body": b" ",
        "half a head": b"e",
        "half a request line": b"",
    }
    connection.sendall(drop.get(case, b""))


def test_bodies_that_wait_fill_no_memory(hub: RunningHub, engineer: Target) -> None:
    """API4: 12 bodies of 20 MB each, of which the last byte never comes: the process holds 128 MB of them."""
    head = engineer.head(
        b"POST " + OBJECTS + b" HTTP/1.1",
        b"Content-Type: application/json",
        b"Content-Length: %d" % (20 << 20),
    )
    before = megabytes(hub)
    with ExitStack() as stack:
        for _ in range(12):
            connection = stack.enter_context(engineer.connect())
            connection.settimeout(0.5)
            try:
                connection.sendall(head + b"\r\n\r\n" + b" " * ((20 << 20) - 1))
            except (TimeoutError, ConnectionError):
                continue  # refused with 503, or not read on: as it should be
        began = time.monotonic()
        reply = engineer.ask(engineer.get(OBJECTS + b"?limit=1"))
        assert time.monotonic() - began < PROMPT
        assert reply.status == 200
        assert megabytes(hub) - before < 200
    served(engineer)


def test_connections_that_come_and_go_leave_nothing(hub: RunningHub, engineer: Target) -> None:
    """Half of them reset in the middle of an answer."""
    before = megabytes(hub)
    for number in range(300):
        connection = engineer.connect()
        if number % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.sendall(engineer.get(b"/un-gcts/collections/"))
        connection.close()
    served(engineer, 2)
    assert megabytes(hub) - before < 50
