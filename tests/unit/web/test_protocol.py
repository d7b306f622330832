"""The limits that uvicorn's protocol has not, on real connections."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from uvicorn.server import ServerState

from taxii_hub.web import protocol
from taxii_hub.web.protocol import LARGEST_HEAD, TaxiiProtocol

HEADERS = {"/odd": [(b"x-odd", b"a\r\nb: c")], "/last": [(b"connection", b"close")]}


async def application(scope, receive, send):
    """Refuses at /refuse without reading, else says how long the body was; with the header that is asked for."""
    size = 0
    if scope["path"] != "/refuse":
        more = True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
    status = 401 if scope["path"] == "/refuse" else 200
    body = str(size).encode()
    headers = [] if scope["path"] == "/unmeasured" else [(b"content-length", str(len(body)).encode())]
    headers += HEADERS.get(scope["path"], [])
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def converse(*steps: bytes | float) -> bytes:
    """What a server answers to bytes and pauses; ends when it closes, or after half a second of silence."""

    async def run() -> bytes:
        config = uvicorn.Config(application, log_config=None, lifespan="off", server_header=False, ws="none")
        config.load()
        state = ServerState()
        made: Callable[[], TaxiiProtocol] = lambda: TaxiiProtocol(config, state, {})  # noqa: E731
        server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            answer = asyncio.create_task(read(reader))
            for step in steps:
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    writer.write(step)
            got = await answer
            writer.close()
            for connection in list(state.connections):
                connection.transport.close()
            await asyncio.sleep(0)
            return got

    return asyncio.run(run())


async def read(reader: asyncio.StreamReader) -> bytes:
    got = b""
    try:
        async with asyncio.timeout(0.5):
            while piece := await reader.read(65536):
                got += piece
    except TimeoutError:
        return got + b"<open>"
    except ConnectionError:
        pass
    return got + b"<closed>"


def error_of(answer: bytes) -> dict:
    head, _, body = answer.removesuffix(b"<closed>").partition(b"\r\n\r\n")
    assert b"content-type: application/taxii+json;version=2.1" in head
    assert b"connection: close" in head
    assert answer.endswith(b"<closed>")
    assert f"content-length: {len(body)}".encode() in head
    return json.loads(body)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /?" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_taxii_error(sent):
    """Request smuggling included: trust.md 2.1."""
    assert error_of(converse(sent))["http_status"] == "400"


@pytest.mark.parametrize(
    "endless",
    [
        [b"GET / HTTP/1.1\r\nX: ", *[b"x" * 10_000, 0.001] * 20],
        [b"GET / HTTP/1.1\r\n", *[b"X-Name: value\r\n" * 700, 0.001] * 20],
        [b"GET /", *[b"x" * 10_000, 0.001] * 20],
    ],
)
def test_a_head_without_end_is_cut(endless):
    assert error_of(converse(*endless))["http_status"] == "431"


def test_a_large_head_is_served():
    sent = b"GET / HTTP/1.1\r\nX: " + b"x" * (LARGEST_HEAD - 1000)
    assert converse(sent, b"\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_a_large_body_is_no_head():
    sent = b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"
    answer = converse(sent, b"x" * 500_000, 0.01, b"x" * 500_000)
    assert answer.endswith(b"1000000<open>")


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [b"GET / HT"],
        [
            b"GET / HTTP/1.1\r\nX: y\r\n",
            0.05,
            b"X: y\r\n",
            0.05,
            b"X: y\r\n",
            0.05,
            b"X: y\r\n",
            0.05,
            b"\r\n",
        ],
    ],
)
def test_a_head_that_does_not_come_ends_the_connection(monkeypatch, steps):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.12)
    assert converse(*steps) == b"<closed>"


def test_the_second_request_of_a_connection_has_its_time_too(monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.12)
    request = b"GET / HTTP/1.1\r\n\r\n"
    assert converse(request, 0.3, request).count(b"HTTP/1.1 200") == 2
    assert converse(request, 0.3, b"GET /").endswith(b"0<closed>")


def test_the_rest_of_a_refused_body_is_thrown_away(monkeypatch):
    start = b"POST /refuse HTTP/1.1\r\nContent-Length: 20\r\n\r\n"
    answer = converse(start, 0.05, b"x" * 20 + b"GET / HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401")
    assert answer.count(b"HTTP/1.1 200") == 1
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.12)
    trickle = [b"x", 0.05] * 10
    assert converse(start, *trickle).endswith(b"0<closed>")


@pytest.mark.parametrize(("method", "body"), [(b"GET", b"0"), (b"HEAD", b"")])
def test_an_answer_of_known_length_is_sent_as_it_is(method, body):
    answer = converse(method + b" / HTTP/1.1\r\n\r\n")
    head, _, sent = answer.removesuffix(b"<open>").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.endswith(b"\r\ncontent-length: 1")
    assert sent == body


def test_an_answer_of_unknown_length_comes_in_chunks():
    answer = converse(b"GET /unmeasured HTTP/1.1\r\n\r\n")
    assert b"\r\ntransfer-encoding: chunked\r\n" in answer
    assert answer.endswith(b"\r\n\r\n1\r\n0\r\n0\r\n\r\n<open>")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /last HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    ],
)
def test_the_last_answer_of_a_connection_says_so(request_):
    answer = converse(request_)
    assert answer.count(b"\r\nconnection: close\r\n") == 1
    assert answer.endswith(b"<closed>")


def test_no_header_can_bring_a_second_one():
    answer = converse(b"GET /odd HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500")
    assert b"b: c" not in answer


LONG = 3_000_000


async def long_answers(scope, receive, send):
    """Three megabytes."""
    headers = [(b"content-length", str(LONG).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(LONG)})


@asynccontextmanager
async def serving(app) -> AsyncIterator[tuple[asyncio.Server, ServerState]]:
    config = uvicorn.Config(app, log_config=None, lifespan="off", server_header=False, ws="none")
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: TaxiiProtocol(config, state, {}), "127.0.0.1", 0
    )
    server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    async with server:
        yield server, state
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


async def asking(server: asyncio.Server) -> socket.socket:
    """A client that takes nothing by itself."""
    line = socket.create_connection(server.sockets[0].getsockname())
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    line.setblocking(False)
    await asyncio.get_running_loop().sock_sendall(line, b"GET / HTTP/1.1\r\n\r\n")
    return line


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that in five seconds")


def test_who_takes_nothing_of_his_answer_is_cut_off(monkeypatch):
    monkeypatch.setattr(protocol, "SENDING_SECONDS", 0.5)
    monkeypatch.setattr(protocol, "SENT", 1000)

    async def run() -> int:
        async with serving(long_answers) as (server, state):
            stuck, slow = await asking(server), await asking(server)
            await until(lambda: len(state.connections) == 2)
            got = 0
            while got < LONG and (piece := await asyncio.get_running_loop().sock_recv(slow, 40_000)):
                got += len(piece)
                await asyncio.sleep(0.01)
            await until(lambda: len(state.connections) == 1)
            stuck.close()
            slow.close()
            return got

    assert asyncio.run(run()) >= LONG


def test_answers_that_wait_fill_no_memory(monkeypatch):
    """API4: beyond what a process keeps for clients, those that wait longest are cut off."""
    monkeypatch.setattr(protocol, "UNSENT", 2 * LONG)

    async def run() -> list[bool]:
        async with serving(long_answers) as (server, state):
            lines, came = [], []
            for _ in range(4):
                lines.append(await asking(server))
                await until(lambda: bool(state.connections - set(came)))
                (newest,) = state.connections - set(came)
                came.append(newest)
                await until(lambda each=newest: each.flow.write_paused)
            await until(lambda: len(state.connections) == 2)
            left = [each in state.connections for each in came]
            for line in lines:
                line.close()
            return left

    assert asyncio.run(run()) == [False, False, True, True]
