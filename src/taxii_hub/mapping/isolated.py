"""The process in which an uploaded report is converted: it has no secrets, no database, and limits.

Started by ``exchange/dry_run.py`` with a bare environment and ended by it when its time is over. It reads
one JSON request from standard input (see :class:`Request`) and writes one JSON document.
"""

from __future__ import annotations

import errno
import json
import resource
import secrets
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

import orjson

from taxii_hub.errors import MappingError, ReportError
from taxii_hub.keyring import SECRET_BYTES
from taxii_hub.mapping.accounting import problem_as_json
from taxii_hub.mapping.convert import Conversion, ConvertOptions, convert
from taxii_hub.mapping.detect import detect
from taxii_hub.mapping.readers.dispatch import Source
from taxii_hub.mapping.registry import registry_of
from taxii_hub.settings import Settings

SECONDS: Final = 60
MEGABYTES: Final = 2048
ANSWER_MEGABYTES: Final = 256
TOO_MUCH: Final = 3
"""Exit code: the report needs more than its limits."""


@dataclass(frozen=True, slots=True)
class Request:
    """``names`` of the report's files in ``folder``. ``mapping`` None: to be detected."""

    folder: str
    names: tuple[str, ...]
    mapping: str | None = None
    edition: str | None = None
    profile: str | None = None


def main() -> None:
    """Answer one request."""
    signal.signal(signal.SIGTERM, _stop)  # so that a reader's own process is ended with this one
    request = Request(**json.loads(sys.stdin.readline()))
    limit()
    try:
        answer(Settings.from_environment(), request, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except MemoryError:
        sys.exit(TOO_MUCH)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        sys.exit(TOO_MUCH)


def limit() -> None:
    """Soft limits only: the process of a mapping's reader sets its own ones."""
    for what, most in (
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_AS, MEGABYTES << 20),
        (resource.RLIMIT_FSIZE, ANSWER_MEGABYTES << 20),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard < 0 else min(most, hard), hard))


def answer(settings: Settings, request: Request, out: BinaryIO) -> None:
    """Write ``mapping``, ``edition``, ``objects``, ``account`` and ``problems``; or ``refused`` (``report``,
    or ``mapping`` where a mapping of the operator's is wrong) and ``message``."""
    try:
        registry = registry_of(settings)
        paths = [Path(request.folder) / name for name in request.names]
        source: Source = paths[0] if len(paths) == 1 else paths
        spec = (
            registry.get(request.mapping) if request.mapping else detect(registry, source, request.names[0])
        )
        options = ConvertOptions(
            settings.id_namespace,
            edition=request.edition,
            profile=request.profile,
            # Whoever may upload must not learn the pseudonym of a value that he thinks of.
            pseudonym_key=lambda: (0, secrets.token_bytes(SECRET_BYTES)),
        )
        out.writelines(_pieces(convert(spec, source, options)))
    except (MappingError, ReportError) as error:
        refused = "mapping" if isinstance(error, MappingError) else "report"
        out.write(orjson.dumps({"refused": refused, "message": str(error)}))


def _pieces(made: Conversion) -> Iterator[bytes]:
    account = {key: value for key, value in made.account.items() if key != "problems"}
    rest = {"account": account, "problems": [problem_as_json(problem) for problem in made.problems]}
    yield orjson.dumps({"mapping": made.mapping, "edition": made.edition})[:-1]
    yield b',"objects":['
    for position, item in enumerate(made.data):
        yield item if position == 0 else b"," + item
    yield b"]," + orjson.dumps(rest)[1:]


def _stop(*_: object) -> NoReturn:
    sys.exit(TOO_MUCH)


if __name__ == "__main__":
    main()
