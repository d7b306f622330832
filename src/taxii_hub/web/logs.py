"""JSON lines on standard error, one event a line: the hub's own events, uvicorn's and the drivers'.

JSON is written in ASCII, so that no control or direction character of a foreign text reaches a
terminal, and one event can never look like two.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Mapping

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from taxii_hub.stix import timestamps

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_LONGEST = 4000
_DELETE = "\x7f"
_WHOLE = 4096
"""Bytes that several processes can write into one pipe without mixing them."""


class _StandardError:
    """Writes whole lines to whatever standard error is at that moment."""

    def __init__(self, *_: object) -> None: ...

    def msg(self, message: str) -> None:
        try:
            sys.stderr.write(message + "\n")
            sys.stderr.flush()
        except OSError:
            pass  # a full disk, or nobody who reads the pipe, is no reason to refuse requests

    debug = info = warning = warn = error = critical = exception = log = fatal = msg


class Lines:
    """Lines of requests, written after the answers that are ready in this turn of the event loop."""

    def __init__(self, level: str) -> None:
        self._least = _LEVELS[level]
        self._waiting: list[str] = []

    def told(self, level: str) -> bool:
        """Whether lines of this level are written at all."""
        return _LEVELS[level] >= self._least

    def add(self, event: dict[str, object], level: str) -> None:
        """Write one event, whose texts have to be bounded."""
        event["level"] = level
        event["timestamp"] = timestamps.format(time.time_ns() // 1000)
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._write)
        self._waiting.append(json_line(event))

    def _write(self) -> None:
        lines, self._waiting = self._waiting, []
        out = _StandardError()
        text = lines[0]
        for line in lines[1:]:
            if len(text) + len(line) + 2 > _WHOLE:
                out.msg(text)
                text = line
            else:
                text = f"{text}\n{line}"
        out.msg(text)


class _Handler(logging.Handler):
    """Takes what goes through the standard library's logging into the same stream."""

    def emit(self, record: logging.LogRecord) -> None:
        _StandardError().msg(self.format(record))


def configure_logging(level: str) -> None:
    """Set up logging for this process; calling it again changes the level only."""
    shared = _shared_processors()
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, _bounded, _render],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=_StandardError,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, _Handler)]:
        root.removeHandler(handler)
    handler = _Handler()
    handler.setFormatter(_formatter(shared))
    root.addHandler(handler)
    root.setLevel(max(_LEVELS[level], logging.INFO))
    _route_uvicorn(level)


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _formatter(shared: list[Processor]) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _bounded,
            _render,
        ],
    )


def _route_uvicorn(level: str) -> None:
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(_LEVELS[level])
    # it would write raw paths with query values; the front layer writes its own line
    access = logging.getLogger("uvicorn.access")
    access.disabled = True
    access.propagate = False  # with no handler in reach uvicorn does not even put the line together


def _bounded(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A foreign text can be as long as its sender likes; a log line cannot."""
    for key, value in event.items():
        if isinstance(value, str) and len(value) > _LONGEST:
            event[key] = f"{value[: _LONGEST // 2]} … {value[-_LONGEST // 2 :]}"
    return event


def json_line(event: Mapping[str, object]) -> str:
    """One event as JSON, in ASCII and without control characters."""
    try:
        text = orjson.dumps(event, default=str).decode()
    except TypeError:  # a lone surrogate, or a number that is too large
        text = "\x7f"
    if text.isascii() and _DELETE not in text:
        return text
    return json.dumps(event, default=str, separators=(",", ":")).replace(_DELETE, "\\u007f")


def _render(_: WrappedLogger, __: str, event: EventDict) -> str:
    return json_line(event)
