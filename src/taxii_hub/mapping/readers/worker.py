"""The process in which a mapping's ``reader.py`` runs: started once, it forks a child for each report.

Started by library.py with a bare environment. It reads one JSON request a line (``path``, ``seconds``,
``megabytes``, ``asked``), and writes what the child reads, one JSON text a line, then a last one with
``end``. It imports nothing of the hub.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

Read = Callable[[Path, dict[str, Any]], Any]
_TOLD = 4_000


def main(reader: Path) -> None:
    """Serve requests until standard input ends."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no record
    read, missing = _loaded(reader)
    for request in sys.stdin:
        end = {"end": True, "missing": missing} if read is None else _served(read, json.loads(request), lines)
        lines.write(json.dumps(end) + "\n")
        lines.flush()


def _loaded(path: Path) -> tuple[Read | None, str]:
    spec = importlib.util.spec_from_file_location("taxii_hub_reader", path)
    if spec is None or spec.loader is None:
        return None, str(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        return None, error.name or str(error)
    read: Read = module.read
    return read, ""


def _served(read: Read, request: dict[str, Any], lines: Any) -> dict[str, Any]:
    with tempfile.TemporaryFile() as told:
        child = os.fork()
        if child == 0:
            os.dup2(told.fileno(), 2)
            os.dup2(told.fileno(), 1)
            _child(read, request, lines)
        _, status = os.waitpid(child, 0)
        told.seek(0, os.SEEK_END)
        told.seek(max(told.tell() - _TOLD, 0))
        said = told.read().decode("utf-8", "replace")
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    name = signal.Signals(killed).name if killed else ""
    return {"end": True, "exit": os.waitstatus_to_exitcode(status), "signal": name, "stderr": said}


def _child(read: Read, request: dict[str, Any], lines: Any) -> NoReturn:
    """Read one report within its limits. Whatever the library raises ends this process only."""
    code = 1
    try:
        _limit(request["seconds"], request["megabytes"])
        for record in read(Path(request["path"]), request["asked"]):
            lines.write(json.dumps(record) + "\n")
        lines.flush()
        code = 0
    finally:
        failed = sys.exc_info()[0]
        if failed is not None:
            code = 3 if issubclass(failed, MemoryError) else 2
            traceback.print_exc(limit=-3)
            sys.stderr.flush()
        os._exit(code)


def _limit(seconds: int, megabytes: int) -> None:
    for what, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, megabytes << 20),
        (resource.RLIMIT_FSIZE, 256 << 20),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]  # where the hub itself is limited, that holds
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (least, least))
    socket.socket = _no_network  # type: ignore[misc, assignment]


def _no_network(*_: Any, **__: Any) -> NoReturn:
    raise OSError("a reader has no network")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
