"""A backup as a file: what one snapshot of the database held, sealed by a manifest.

    taxii-hub backup 1          and the end of the line
    a zstd stream of blocks: kind (1 byte), length (4 bytes, big-endian), payload
        C  the name of a collection
        D  documents of it, BSON one after another; any number of blocks
        M  the manifest, JSON: what it is of, how many documents and which SHA-256 each collection has
        S  HMAC-SHA256 over the manifest with a key of the hub's secrets; the last block
    SHA-256 over all bytes before it

The seal makes a file that was cut off, damaged, or changed by somebody without the secrets be refused.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import orjson
import zstandard

from taxii_hub.errors import StoreError
from taxii_hub.keyring import Keyring

FORMAT: Final = 1
MAGIC: Final = b"taxii-hub backup 1\n"
_LEVEL: Final = 3
_LONGEST: Final = 64 << 20
"""Bytes of one block; MongoDB answers with at most 16 MB."""
_SMALLEST_DOCUMENT: Final = 5
_TRAILER: Final = 32


@dataclass(frozen=True, slots=True)
class Tally:
    """How much of a collection there is; ``sha256`` in hexadecimal, over its documents in their order."""

    documents: int
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is of.

    ``taken_at``: microseconds by the database's clock; whatever was acknowledged before it is inside.
    ``clocks``: the newest stamp by number of the collection's feed. ``log``: how many leaves the audit
    log had, ``log_end`` the hash of the last of them in hexadecimal.
    """

    release: str
    schema: int
    database: str
    fingerprint: str
    id_namespace: str
    taken_at: int
    catalogue: int
    clocks: Mapping[str, int]
    log: int
    log_end: str
    collections: Mapping[str, Tally]
    format: int = FORMAT

    def text(self) -> bytes:
        """As the file holds it."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)

    @classmethod
    def parse(cls, text: bytes) -> Manifest:
        """Raises ValueError, TypeError or KeyError."""
        found = orjson.loads(text)
        tallies = {name: Tally(**tally) for name, tally in found.pop("collections").items()}
        return cls(**found, collections=tallies)

    @property
    def documents(self) -> int:
        """Of all collections."""
        return sum(each.documents for each in self.collections.values())


def seal(keyring: Keyring, text: bytes) -> bytes:
    """By the first key: a rotation must not make older backups unreadable."""
    keys = keyring.all("audit")
    return hmac.digest(keys[min(keys)].secret, b"taxii-hub backup seal 1\n" + text, "sha256")


@dataclass(slots=True)
class _Count:
    documents: int = 0
    length: int = 0
    digest: Any = field(default_factory=sha256)

    def take(self, data: bytes) -> None:
        self.documents += sum(1 for _ in documents(data))
        self.length += len(data)
        self.digest.update(data)

    def tally(self) -> Tally:
        return Tally(self.documents, self.length, self.digest.hexdigest())


def documents(data: bytes) -> Iterator[bytes]:
    """The documents of a block, each as BSON. Raises ValueError where they are cut."""
    place = 0
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "little")
        if length < _SMALLEST_DOCUMENT or place + length > len(data):
            raise ValueError("a document is cut")
        yield data[place : place + length]
        place += length


class _Hashed:
    """A file's bytes up to its trailer, hashed on their way."""

    def __init__(self, file: BinaryIO, left: int = 0) -> None:
        self._file = file
        self._left = left
        self._digest = sha256()

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return self._file.write(data)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        self._digest.update(data)
        return data

    def trailer(self) -> bytes:
        """What is, or should be, the last of the file."""
        return self._digest.digest()


class BackupWriter:
    """Writes the blocks in their order; ``finish`` seals."""

    def __init__(self, file: BinaryIO) -> None:
        self._plain = file
        self._file = _Hashed(file)
        self._file.write(MAGIC)
        made = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True, write_content_size=False)
        self._out = made.stream_writer(cast("BinaryIO", self._file), closefd=False)
        self._counts: dict[str, _Count] = {}

    def begin(self, collection: str) -> None:
        """What follows is of this collection."""
        self._counts[collection] = _Count()
        self._block(b"C", collection.encode())

    def add(self, collection: str, data: bytes) -> None:
        """Documents as BSON."""
        self._counts[collection].take(data)
        self._block(b"D", data)

    def tallies(self) -> dict[str, Tally]:
        """Of everything written so far."""
        return {name: count.tally() for name, count in self._counts.items()}

    def finish(self, manifest: Manifest, keyring: Keyring) -> None:
        """Nothing can be added after it."""
        text = manifest.text()
        self._block(b"M", text)
        self._block(b"S", seal(keyring, text))
        self._out.close()  # type: ignore[no-untyped-call]
        self._plain.write(self._file.trailer())

    def _block(self, kind: bytes, payload: bytes) -> None:
        self._out.write(kind + len(payload).to_bytes(4, "big"))
        self._out.write(payload)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file for its owner only, that is there under its name when it is whole and on the disk.

    Raises StoreError where there is one already, or where it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        if path.exists():
            raise StoreError(f"{path}: there is such a file already; choose another name")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            # A link never replaces, unlike a rename.
            path.hardlink_to(beside)
            _sync_folder(path.parent)
        finally:
            beside.unlink()
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}); choose another place") from None


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class BackupReader:
    """Reads a file once from its start; ``manifest`` is known, and everything compared, at its end."""

    def __init__(self, path: Path, keyring: Keyring) -> None:
        self._path = path
        self._keyring = keyring
        self._counts: dict[str, _Count] = {}
        self._manifest: Manifest | None = None

    @property
    def manifest(self) -> Manifest:
        """Raises StoreError before everything was read."""
        if self._manifest is None:
            raise self._refused("it was not read to its end")
        return self._manifest

    def blocks(self) -> Iterator[tuple[str, bytes]]:
        """Documents as BSON, with their collection's name; a name comes first with none.

        Raises StoreError as soon as something is not as it was written.
        """
        try:
            with self._path.open("rb") as file:
                body = _Hashed(file, max(0, self._path.stat().st_size - _TRAILER))
                if body.read(len(MAGIC)) != MAGIC:
                    raise self._refused("it is no backup of a TAXII Hub that this release can read")
                reading = zstandard.ZstdDecompressor(max_window_size=1 << 27)
                stream = reading.stream_reader(cast("BinaryIO", body), read_across_frames=True)
                manifest = yield from self._blocks(stream)
                body.read()
                if file.read() != body.trailer():
                    raise self._refused("it was cut off or changed")
                self._manifest = manifest
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be read ({error.strerror})") from None
        except zstandard.ZstdError:
            raise self._refused("it was cut off or changed") from None

    def _blocks(self, stream: Any) -> Generator[tuple[str, bytes], None, Manifest]:
        name: str | None = None
        while (kind := stream.read(1)) != b"M":
            payload = self._payload(stream)
            if kind == b"C":
                name = payload.decode("utf-8", "replace")
                self._counts[name] = _Count()
            elif kind == b"D" and name is not None:
                self._take(name, payload)
            else:
                raise self._refused("it was cut off or changed")
            yield name, payload if kind == b"D" else b""
        return self._sealed(stream)

    def _take(self, name: str, payload: bytes) -> None:
        try:
            self._counts[name].take(payload)
        except ValueError:
            raise self._refused(f"a document of {name} was changed") from None

    def _payload(self, stream: Any) -> bytes:
        length = int.from_bytes(self._exactly(stream, 4), "big")
        if length > _LONGEST:
            raise self._refused("it was changed: a block is longer than any can be")
        return self._exactly(stream, length)

    def _exactly(self, stream: Any, length: int) -> bytes:
        parts: list[bytes] = []
        while length:
            part: bytes = stream.read(length)
            if not part:
                raise self._refused("it was cut off")
            parts.append(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _sealed(self, stream: Any) -> Manifest:
        text = self._payload(stream)
        if stream.read(1) != b"S":
            raise self._refused("it has no seal")
        given = self._payload(stream)
        if stream.read(1):
            raise self._refused("something was added to it")
        manifest = self._parsed(text)
        if not hmac.compare_digest(given, seal(self._keyring, text)):
            raise self._refused(self._whose(manifest))
        told = {name: count.tally() for name, count in self._counts.items()}
        if told != manifest.collections:
            wrong = sorted(
                n
                for n in told.keys() | manifest.collections.keys()
                if told.get(n) != manifest.collections.get(n)
            )
            raise self._refused(f"it was changed: {', '.join(wrong)}")
        return manifest

    def _parsed(self, text: bytes) -> Manifest:
        with suppress(ValueError, TypeError, KeyError, AttributeError):
            return Manifest.parse(text)
        raise self._refused("its manifest cannot be read: it was changed, or made by a newer release")

    def _whose(self, manifest: Manifest) -> str:
        if manifest.fingerprint != self._keyring.fingerprint():
            return (
                f"it belongs to hubs with other secrets (fingerprint {manifest.fingerprint}, here"
                f" {self._keyring.fingerprint()}): let TAXII_HUB_SECRETS_DIR name a copy of theirs"
            )
        return "its seal does not fit: it was changed"

    def _refused(self, reason: str) -> StoreError:
        return StoreError(f"{self._path}: {reason}. Nothing was restored from it")
