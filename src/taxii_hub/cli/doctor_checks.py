"""What ``taxii-hub doctor`` looks at. Each check says what it found and what to do; none changes anything."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from taxii_hub.cli.exposure import is_loopback, unsafe
from taxii_hub.errors import HubError, StoreError
from taxii_hub.keyring import Keyring
from taxii_hub.settings import Settings
from taxii_hub.store.engine import engine_for
from taxii_hub.store.engine_files import find_mongod
from taxii_hub.store.topology import Topology, check_topology, connect

Level = Literal["ok", "warning", "problem"]

FULL: Final = 0.85
CLOCK_WARNING: Final = 1_000
CLOCK_PROBLEM: Final = 60_000
_NO_AVX: Final = (-signal.SIGILL, 128 + signal.SIGILL)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. ``remedy`` is empty where nothing has to be done."""

    check: str
    level: Level
    message: str
    remedy: str = ""


def of_this_machine(settings: Settings) -> Iterator[Finding]:
    """Everything that can be said without a database."""
    # With a database and secrets elsewhere, as in a container that may not be written to, nothing comes into it.
    if settings.mongodb_uri is None or settings.secrets_dir is None:
        yield folder(settings.data_dir)
        yield from disk(settings.data_dir)
    yield secrets(settings)
    yield from catalogue(settings)
    yield from tls(settings)
    if settings.mongodb_uri is None:
        yield from program()


def folder(data_dir: Path) -> Finding:
    existing = data_dir.absolute()
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        remedy = "give it to the hub's user, or set TAXII_HUB_DATA_DIR to another one"
        return Finding("data folder", "problem", f"{existing} cannot be written", remedy)
    made = "" if existing == data_dir.absolute() else " (made at the first start)"
    return Finding("data folder", "ok", f"{data_dir.absolute()}{made}")


def disk(data_dir: Path) -> Iterator[Finding]:
    if data_dir.is_dir():
        usage = shutil.disk_usage(data_dir)
        share = usage.used / usage.total
        message = f"{share:.0%} of the data disk is used"
        remedy = "make room: on a full disk the embedded MongoDB stops and the hub answers 503"
        yield Finding("disk", *(("warning", message, remedy) if share > FULL else ("ok", message)))


def secrets(settings: Settings) -> Finding:
    path = settings.secrets
    if not path.exists():
        return Finding("secrets", "ok", f"{path}: none yet (made at the first start)")
    try:
        keyring = Keyring.open(path, create=False)
    except HubError as error:
        return Finding("secrets", "problem", str(error), "see the message")
    return Finding("secrets", "ok", f"{path} (fingerprint {keyring.fingerprint()})")


def catalogue(settings: Settings) -> Iterator[Finding]:
    from taxii_hub.catalog.loader import load_catalog
    from taxii_hub.catalog.standing import notices

    try:
        found = load_catalog(settings.collections_dir)
    except HubError as error:
        yield Finding("collections", "problem", str(error), "`taxii-hub collections check` lists every error")
        return
    count = sum(len(root.collections) for root in found.api_roots)
    yield Finding(
        "collections",
        "ok",
        f"{settings.collections_dir}: {len(found.api_roots)} API roots, {count} collections",
    )
    for notice in notices(found, datetime.now(UTC).date()):
        remedy = "renew or review it, then correct its `agreement:` and `taxii-hub collections apply`"
        yield Finding("agreements", "warning", notice.words, remedy)


def tls(settings: Settings) -> Iterator[Finding]:
    for name, path in (("CERTIFICATE", settings.tls_certificate), ("KEY", settings.tls_key)):
        if path is not None and not os.access(path, os.R_OK):
            yield Finding(
                "tls",
                "problem",
                f"{path} cannot be read",
                f"look at TAXII_HUB_TLS_{name} and the file's rights",
            )
    if (words := unsafe(settings)) is not None:
        yield Finding("exposure", "problem", words, "see the message")
    elif settings.tls_certificate is None and not is_loopback(settings.host):
        message = f"the hub serves plain http on {settings.host}"
        yield Finding("exposure", "warning", message, "let only the proxy that speaks TLS reach it")


def program(
    cpuinfo: Path = Path("/proc/cpuinfo"), find: Callable[[], Path] = find_mongod
) -> Iterator[Finding]:
    """The embedded MongoDB's program: there, loadable, and runnable on this processor."""
    try:
        path = find()
    except StoreError as error:
        yield Finding("mongod", "problem", str(error), "see the message")
        return
    yield _tried(path)
    try:
        flags = {
            word
            for line in cpuinfo.read_text().splitlines()
            if line.startswith("flags")
            for word in line.split()
        }
    except OSError:
        return
    if flags and "avx" not in flags:
        yield Finding("processor", "problem", "it has no AVX instructions, which MongoDB needs", _ANOTHER)


_ANOTHER: Final = "set TAXII_HUB_MONGODB_URI to a replica set on another machine"


def _tried(path: Path) -> Finding:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("mongod", "problem", f"{path} cannot be run ({type(error).__name__})", _ANOTHER)
    if done.returncode in _NO_AVX:
        return Finding("mongod", "problem", f"{path}: the processor has no AVX instructions", _ANOTHER)
    if "cannot open shared object file" in done.stderr:
        library = done.stderr.partition("libraries:")[2].partition(":")[0].strip() or "a library"
        remedy = "install Debian's libcurl4 and libssl3 (or your system's equivalent)"
        return Finding("mongod", "problem", f"{path}: {library} is missing", remedy)
    if done.returncode != 0:
        return Finding("mongod", "problem", f"{path} --version ended with {done.returncode}", _ANOTHER)
    return Finding("mongod", "ok", f"{path}: {done.stdout.splitlines()[0]}")


async def of_the_database(settings: Settings) -> list[Finding]:
    """What is asked of the MongoDB itself: a running one is joined, the embedded one started for the duration."""
    if settings.mongodb_uri is None and not (settings.data_dir / "db").is_dir():
        return [Finding("database", "ok", "none yet (made at the first start)")]
    try:
        async with engine_for(settings) as uri:
            async with connect(uri) as client:
                topology = await check_topology(client)
            return [*described(topology), await _schema(settings, uri)]
    except HubError as error:
        return [Finding("database", "problem", str(error), "see the message")]


def described(topology: Topology) -> list[Finding]:
    """Engine, version, kind, durability, clock."""
    found = [
        Finding("database", "ok", f"{topology.engine} MongoDB {topology.version}, {topology.kind}"),
        Finding("durability", "ok", topology.durability),
    ]
    found += [
        Finding("database", "warning", notice, "docs/operations.md says more") for notice in topology.notices
    ]
    off = abs(topology.clock_difference)
    level: Level = "problem" if off > CLOCK_PROBLEM else "warning" if off > CLOCK_WARNING else "ok"
    remedy = "" if level == "ok" else "synchronise both clocks (NTP)"
    message = f"the database's clock is {topology.clock_difference} ms off this machine's"
    return [*found, Finding("clock", level, message, remedy)]


async def _schema(settings: Settings, uri: str) -> Finding:
    from taxii_hub.bootstrap import prepare

    if not settings.secrets.is_dir():
        return Finding(
            "schema", "warning", "not looked at: there are no secrets yet", "run `taxii-hub serve` once"
        )
    pending = await prepare(settings, uri, Keyring.open(settings.secrets, create=False), dry_run=True)
    if pending:
        message = f"a migration is pending: {', '.join(pending)}"
        return Finding(
            "schema", "warning", message, "run `taxii-hub store migrate`, or start the hub, which does it"
        )
    return Finding("schema", "ok", "up to date")
