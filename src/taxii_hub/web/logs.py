"""JSON lines on standard error, one event a line: the hub's own events, uvicorn's and the drivers'.

JSON is written in ASCII, so that no control or direction character of a foreign text reaches a
terminal, and one event can never look like two.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_LONGEST = 4000
_DELETE = "\x7f"


class _StandardError:
    """Writes whole lines to whatever standard error is at that moment."""

    def __init__(self, *_: object) -> None: ...

    def msg(self, message: str) -> None:
        sys.stderr.write(message + "\n")
        sys.stderr.flush()

    debug = info = warning = warn = error = critical = exception = log = fatal = msg


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
    logging.getLogger("uvicorn.access").disabled = True


def _bounded(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A foreign text can be as long as its sender likes; a log line cannot."""
    for key, value in event.items():
        if isinstance(value, str) and len(value) > _LONGEST:
            event[key] = f"{value[: _LONGEST // 2]} … {value[-_LONGEST // 2 :]}"
    return event


_json = structlog.processors.JSONRenderer(ensure_ascii=True, default=str)


def _render(logger: WrappedLogger, name: str, event: EventDict) -> str:
    line: Any = _json(logger, name, event)
    return str(line).replace(_DELETE, "\\u007f")
