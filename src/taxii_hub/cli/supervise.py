"""The supervisor: one process that runs the embedded MongoDB and the web workers, and outlives both.

It holds the listening socket, so that no connection is refused while a worker is replaced, and
starts everything from its main thread, because death signals are bound to the thread that forked.
``serve`` and ``demo`` differ only in what they prepare and what they say when ready.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

from taxii_hub.cli.answering import until_answered, until_ready
from taxii_hub.cli.exposure import refuse_unsafe
from taxii_hub.cli.worker import GRACE
from taxii_hub.errors import HubError, SettingsError, StoreError
from taxii_hub.exchange.ending import AGAIN
from taxii_hub.settings import PREFIX, Settings
from taxii_hub.store.engine import EmbeddedEngine
from taxii_hub.store.engine_process import with_death_signal

APP: Final = "taxii_hub.bootstrap:create_app_from_environment"
_LOG: Final = logging.getLogger("taxii_hub.supervisor")
_STEADY: Final = 10.0  # seconds after which an end is no longer a repeated failure
_LONGEST_PAUSE: Final = 5.0
_FIRST_PAUSE: Final = 0.1
_ADDRESS_PATIENCE: Final = 5.0
_MEMORY: Final = {"MALLOC_MMAP_THRESHOLD_": "4194304"}
"""glibc keeps what pages of many megabytes took, once it has grown its threshold to them; this gives it back."""
_PATIENCE: Final = 10.0  # seconds for a command that uses the embedded MongoDB to end

Act = Callable[[Settings], Awaitable[None]]


class Service(Protocol):
    """Something that runs until it is stopped, or dies and is started again."""

    @property
    def name(self) -> str:
        """For the log."""

    async def start(self) -> None:
        """Raises HubError when it cannot."""

    async def wait(self) -> str:
        """Until it has ended; why, in words."""

    async def stop(self) -> None:
        """End it in order; harmless when it has ended."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. ``prepare`` gets the settings with the MongoDB's URI before any worker starts,
    ``ready`` once requests are answered (``port`` is the real one then).
    """

    settings: Settings
    prepare: Act
    ready: Act
    app: str = APP


def run(plan: Plan) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; call it from the main thread. Raises HubError."""
    asyncio.run(Supervisor(plan).run())


class Supervisor:
    """Runs a plan."""

    __slots__ = ("_ending", "_plan", "_steady", "_stopping", "_workers")

    def __init__(self, plan: Plan) -> None:
        self._ending = False
        self._plan = plan
        self._steady = asyncio.Event()
        self._stopping = False
        self._workers: list[Worker] = []

    async def run(self) -> None:
        """Web first, MongoDB last when it ends. A second signal cuts running requests off."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._signalled, task)
        try:
            await self._run()
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _signalled(self, task: asyncio.Task[None]) -> None:
        if self._stopping:
            for worker in self._workers:
                worker.kill()
        else:
            self._stopping = True
            self._cancel(task)

    def _cancel(self, task: asyncio.Task[None]) -> None:
        """Until it ends: MongoDB's driver may lose one cancellation, and the hub would start all the same."""
        if not self._ending:
            task.cancel()
            asyncio.get_running_loop().call_later(AGAIN, self._cancel, task)

    async def _run(self) -> None:
        settings = self._plan.settings
        refuse_unsafe(settings)
        _check_tls(settings)
        with await _bound(settings) as listener:
            engine = None if settings.mongodb_uri else EngineService(EmbeddedEngine(settings.data_dir))
            try:
                if engine is not None:
                    await engine.start()
                    settings = replace(settings, mongodb_uri=engine.uri)
                settings = replace(settings, port=listener.getsockname()[1])
                await self._watch(settings, listener, engine)
            except ExceptionGroup as group:
                raise _leading(group) from None
            finally:
                self._ending = True
                # A connection that only this copy of the listener would take would never be answered.
                listener.close()
                await _to_its_end(*(worker.stop() for worker in self._workers))
                if engine is not None:
                    await _to_its_end(engine.stop())

    async def _watch(self, settings: Settings, listener: socket.socket, engine: Service | None) -> None:
        async with asyncio.TaskGroup() as group:
            if engine is not None:
                group.create_task(keep_running(engine))
            await self._plan.prepare(settings)
            for number in range(settings.workers):
                worker = Worker(f"worker {number + 1}", settings, self._plan.app, listener.fileno())
                self._workers.append(worker)
                await worker.start()
                group.create_task(keep_running(worker, self._steady))
            await until_answered(settings, "/health/live")
            self._steady.set()
            await until_ready(settings)
            await self._plan.ready(settings)


def _leading(group: ExceptionGroup[Exception]) -> Exception:
    """The first error made for people; the group itself where there is none."""
    found: Exception | None = group.subgroup(HubError)
    while isinstance(found, ExceptionGroup):
        found = found.exceptions[0]
    return found or group


async def _to_its_end(*endings: Awaitable[None]) -> None:
    """Await all of them, also while this task is being cancelled once more."""
    ending = asyncio.gather(*endings)
    while not ending.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(ending)
    ending.result()


async def keep_running(service: Service, steady: asyncio.Event | None = None) -> None:
    """Start the service again whenever it ends, later and later when it ends soon.

    Raises StoreError when it ends before ``steady`` is set: then it never ran, and a person must look.
    """
    pause, started = 0.0, time.monotonic()
    while True:
        reason = await service.wait()
        if steady is not None and not steady.is_set():
            raise StoreError(f"{service.name} ended while starting ({reason}); the lines above say why")
        lasted = time.monotonic() - started
        pause = 0.0 if lasted > _STEADY else min(max(2 * pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        _LOG.error("%s ended (%s); starting it again in %.1f s", service.name, reason, pause)
        await asyncio.sleep(pause)
        started = time.monotonic()
        with suppress(HubError):  # ``wait`` tells the reason in the next round
            await service.start()


class EngineService:
    """The embedded MongoDB as a service."""

    __slots__ = ("_engine",)

    name = "the embedded MongoDB"

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine = engine

    @property
    def uri(self) -> str:
        return self._engine.uri

    async def start(self) -> None:
        await self._engine.start(_PATIENCE)

    async def wait(self) -> str:
        await self._engine.wait()
        return self._engine.last_words()

    async def stop(self) -> None:
        await self._engine.stop()


class Worker:
    """One web process; see ``worker.py``."""

    __slots__ = ("_command", "_environment", "_grace", "_listener", "_process", "name")

    def __init__(self, name: str, settings: Settings, app: str, listener: int) -> None:
        self.name = name
        self._grace = settings.drain + GRACE + 2
        own = [sys.executable, "-m", "taxii_hub.cli.worker", "--fd", str(listener), "--app", app]
        self._command = with_death_signal(own)
        others = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        self._environment = {**_MEMORY, **others, **settings.environment()}
        self._listener = listener
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=(self._listener,),
            start_new_session=True,
        )

    async def wait(self) -> str:
        code = await self._process.wait() if self._process else 0
        return f"signal {-code}" if code < 0 else f"exit status {code}"

    async def stop(self) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), self._grace)
        except TimeoutError:
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()


def _check_tls(settings: Settings) -> None:
    """Here, not in each worker: a wrong file is told once, before anything is started."""
    if settings.tls_certificate is None:
        if settings.tls_key is not None:
            raise SettingsError(
                "TAXII_HUB_TLS_KEY is set without TAXII_HUB_TLS_CERTIFICATE: set both or none"
            )
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            settings.tls_certificate, settings.tls_key, password=""
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise SettingsError(
            f"TAXII_HUB_TLS_CERTIFICATE={settings.tls_certificate}, TAXII_HUB_TLS_KEY={settings.tls_key}:"
            f" they cannot be used ({reason}); PEM files that belong together, without pass phrase, are wanted"
        ) from None


async def _bound(settings: Settings) -> socket.socket:
    """The hub's address, taken but not listening yet: until a worker is up connections are refused.

    Workers of a supervisor that was killed need a moment to end, so an address in use is tried again.
    """
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise SettingsError(f"TAXII_HUB_HOST={settings.host}: {error.strerror}") from None
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    until = time.monotonic() + _ADDRESS_PATIENCE + settings.drain
    while True:
        try:
            listener.bind(address)
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            if in_use and time.monotonic() < until:
                await asyncio.sleep(0.1)
                continue
            listener.close()
            reason = "another program uses it" if in_use else error.strerror
            raise SettingsError(
                f"TAXII_HUB_HOST={settings.host}, TAXII_HUB_PORT={settings.port}: the hub cannot serve there"
                f" ({reason}); choose another port, or end that program"
            ) from None
        return listener
