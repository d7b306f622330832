"""The journey of an uploaded report that is only looked at: convert it, apart from the hub, and store nothing."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import SIGKILL, SIGXCPU
from typing import Final

import orjson
import structlog

from taxii_hub.errors import (
    MappingError,
    NotConvertibleError,
    NotFoundError,
    TooManyRequestsError,
    UnavailableError,
)
from taxii_hub.mapping import isolated
from taxii_hub.mapping.registry import Registry, registry_of
from taxii_hub.mapping.spec import Spec
from taxii_hub.settings import Settings

AT_ONCE: Final = 2
"""Conversions at a time in one process of the hub."""
AUTO: Final = "auto"
_GRACE: Final = 2.0
_TOLD: Final = 2000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Upload:
    """A report: its files by name. ``profile`` is one of the mapping's, ``edition`` its date."""

    files: Mapping[str, bytes]
    edition: str | None = None
    profile: str | None = None


class Formats:
    """The mappings of this hub, for its own API; they are read while it starts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._registry: Registry | None = None
        self._running = 0
        self._reading = asyncio.Lock()

    async def warm(self) -> None:
        """Read them before anybody asks; what is wrong with one is in the log."""
        try:
            await self.registry()
        except UnavailableError as error:
            log.warning("a mapping cannot be used", error=str(error))

    async def registry(self) -> Registry:
        """Raises UnavailableError where a mapping of the operator's own folder is wrong."""
        async with self._reading:
            if self._registry is None:
                try:
                    self._registry = await asyncio.to_thread(registry_of, self._settings)
                except MappingError:
                    raise _wrong_mapping() from None
            return self._registry

    async def get(self, name: str) -> Spec:
        """Raises NotFoundError, UnavailableError."""
        found = (await self.registry()).mappings.get(name)
        if found is None:
            raise NotFoundError(f"there is no mapping {name!r}; /api/v1/mappings lists those that there are")
        return found

    async def convert(self, name: str, upload: Upload) -> bytes:
        """What ``taxii-hub convert`` makes of the report, as a JSON document; nothing is stored.

        ``name``: of the mapping, or ``auto``. Raises NotFoundError, NotConvertibleError,
        TooManyRequestsError where as many as may are running, UnavailableError.
        """
        if name != AUTO:
            await self.get(name)
        if self._running >= AT_ONCE:
            raise TooManyRequestsError("other reports are being converted at this moment; send it again", 5)
        self._running += 1
        try:
            with tempfile.TemporaryDirectory(prefix="taxii-hub-upload-") as folder:
                answer = await self._answer(Path(folder), None if name == AUTO else name, upload)
        finally:
            self._running -= 1
        if answer.startswith(b'{"refused"'):
            refused = orjson.loads(answer)
            if refused["refused"] == "mapping":
                raise _wrong_mapping()
            raise NotConvertibleError(refused["message"])
        return answer

    async def _answer(self, folder: Path, name: str | None, upload: Upload) -> bytes:
        inside = folder / "report"
        await asyncio.to_thread(_write, inside, upload.files)
        request = isolated.Request(str(inside), tuple(upload.files), name, upload.edition, upload.profile)
        await self._run(folder, request)
        return await asyncio.to_thread((folder / "answer").read_bytes)

    async def _run(self, folder: Path, request: isolated.Request) -> None:
        with (folder / "answer").open("wb") as answer, (folder / "told").open("wb") as told:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "taxii_hub.mapping.isolated"),
                stdin=asyncio.subprocess.PIPE,
                stdout=answer,
                stderr=told,
                env=self._environment(),
                cwd=folder,
                start_new_session=True,
            )
        try:
            asked = orjson.dumps(asdict(request)) + b"\n"
            await asyncio.wait_for(process.communicate(asked), isolated.SECONDS)
        except TimeoutError:
            raise _too_much() from None
        finally:
            await _ended(process)
        if process.returncode in {isolated.TOO_MUCH, -SIGXCPU, -SIGKILL}:
            raise _too_much()
        if process.returncode:
            said = (folder / "told").read_bytes()[-_TOLD:].decode("utf-8", "replace")
            raise RuntimeError(f"the converter ended with {process.returncode}: {said}")

    def _environment(self) -> dict[str, str]:
        """Nothing of the hub's but what says how reports are read."""
        wanted = ("TAXII_HUB_MAPPINGS_DIR", "TAXII_HUB_MAPPING_CODE", "TAXII_HUB_ID_NAMESPACE")
        ours = self._settings.environment()
        mappings = str(self._settings.mappings_dir.resolve())
        return {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": tempfile.gettempdir(),
            **{key: ours[key] for key in wanted},
            "TAXII_HUB_MAPPINGS_DIR": mappings,
        }


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Ask it to end, so that what it started ends too; then make it."""
    for stop in (process.terminate, process.kill):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)


def _too_much() -> NotConvertibleError:
    return NotConvertibleError(
        f"the report needs more than the {isolated.SECONDS} seconds and {isolated.MEGABYTES} MB that an upload "
        "may take; cut it into several, or use `taxii-hub convert` where the hub runs"
    )


def _wrong_mapping() -> UnavailableError:
    return UnavailableError(
        "a mapping of this hub is wrong; its operator sees which with `taxii-hub mappings check`", 60
    )
