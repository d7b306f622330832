"""Run ``taxii-hub convert`` over a folder of real report files: one line a file, totals at the end.

Each file gets a process of its own, so that one that is killed or loops costs only itself. Leaves
with 1 where a conversion ended in any way but the three that are documented (0 clean, 3 converted
with problems, 2 not convertible).
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

SECONDS_A_FILE = 600
OUTCOMES = {0: "clean", 2: "not convertible", 3: "with problems"}


def _convert(path: Path) -> tuple[str, str]:
    """The outcome in words, and the last line that the command wrote to stderr."""
    command = [str(Path(sys.executable).with_name("taxii-hub")), "convert", str(path)]
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.DEVNULL,  # not `-o /dev/null`: a file written by renaming would take its place
            stderr=subprocess.PIPE,
            text=True,
            timeout=SECONDS_A_FILE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "FAILED", f"not done after {SECONDS_A_FILE} s"
    lines = done.stderr.strip().splitlines() or [""]
    return OUTCOMES.get(done.returncode, f"FAILED ({done.returncode})"), lines[-1]


def main(folder: Path) -> int:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        sys.exit(f"{folder}: no file in it")
    totals: Counter[str] = Counter()
    for path in files:
        start = time.monotonic()
        outcome, note = _convert(path)
        totals[outcome] += 1
        took = time.monotonic() - start
        sys.stdout.write(f"{outcome:<16} {took:6.1f} s  {path.relative_to(folder)}  {note}\n")
        sys.stdout.flush()
    sys.stdout.write(", ".join(f"{count} {outcome}" for outcome, count in sorted(totals.items())) + "\n")
    return int(any(outcome.startswith("FAILED") for outcome in totals))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
