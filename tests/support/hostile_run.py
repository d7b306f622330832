"""``taxii-hub convert`` over hostile files, each in a child of its own, with what it cost.

    python -m tests.support.hostile_run FOLDER CASE…    (a case is function[:mapping])

The commands and mappings are loaded once; a child is forked for each case, so that its peak is its own.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any, NoReturn

from taxii_hub.cli import convert
from taxii_hub.mapping.registry import registry_of
from taxii_hub.settings import Settings
from tests.support import hostile_files

SECONDS = 60


def main(folder: Path, cases: list[str]) -> None:
    registry = registry_of(Settings.from_environment())
    convert.registry_of = lambda _: registry
    for case in cases:
        function, _, mapping = case.partition(":")
        path = getattr(hostile_files, function)(folder)
        sys.stdout.write(
            json.dumps({"case": case, "file": path.name, **converted(path, mapping, folder)}) + "\n"
        )
        sys.stdout.flush()
        path.unlink()


def converted(path: Path, mapping: str, folder: Path) -> dict[str, Any]:
    child = os.fork()
    if child == 0:
        _child(path, mapping, folder)
    _, status, used = os.wait4(child, 0)
    return {
        "exit": os.waitstatus_to_exitcode(status),
        "seconds": used.ru_utime + used.ru_stime,  # of its own: others may keep the machine busy
        "megabytes": used.ru_maxrss / 1024,
        "said": (folder / "stderr").read_text(encoding="utf-8"),
        "bundle": (folder / "stdout").read_text(encoding="utf-8"),
    }


def _child(path: Path, mapping: str, folder: Path) -> NoReturn:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, resource.RLIM_INFINITY))
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    code = 99
    try:
        arguments = [str(path), "--edition", "2026-01-05", *(["--mapping", mapping] if mapping else [])]
        convert.convert.main(arguments)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 98
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
