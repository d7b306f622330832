"""``python -m tests.contract.run --url … --user … --password … --collections target.json -o result.json``.

``target.json`` says what the account may use: ``{"api_root": "/sandbox/", "collections": {"rw": "<id>",
"ro": …, "wo": …, "none": …}, "tls_url": …, "tls_ca": …}``; what is left out is skipped. Instead of a
URL, ``--medallion`` starts the reference server and ``--hub`` this hub. Exit code 1 where a case fails.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.contract.medallion_target import medallion
from tests.contract.runner import Result, all_cases, run_case
from tests.contract.target import Target


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    results = [_say(result) for result in _results(options)]
    counts = {word: sum(result.outcome == word for result in results) for word in ("pass", "fail", "skipped")}
    sys.stdout.write(", ".join(f"{count} {word}" for word, count in counts.items()) + "\n")
    if options.output:
        options.output.write_text(as_json(results))
    return 1 if counts["fail"] else 0


def as_json(results: Sequence[Result]) -> str:
    """What ``report`` reads: without durations, so that runs that pass alike are equal files."""
    rows = [{key: value for key, value in result.as_json().items() if key != "seconds"} for result in results]
    return json.dumps(rows, indent=1) + "\n"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.contract.run", description=__doc__)
    parser.add_argument("--url")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--collections", type=Path, help="the description of the target")
    parser.add_argument("--medallion", action="store_true")
    parser.add_argument("--hub", action="store_true", help="start this hub")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args(arguments)
    if not (options.medallion or options.hub) and not (options.url and options.collections):
        parser.error("--url and --collections, or --medallion, or --hub is wanted")
    return options


def _results(options: argparse.Namespace) -> Iterator[Result]:
    if options.medallion:
        for case in all_cases():
            # it keeps bad objects and fails on them later: every case meets a server of its own
            with medallion() as target:
                yield run_case(case, target)
        return
    if options.hub:
        from tests.contract.hub_target import hub

        with hub() as target:
            for case in all_cases():
                yield run_case(case, target)
        return
    description = json.loads(options.collections.read_text())
    target = Target.from_description(options.url, options.user, options.password, description)
    for case in all_cases():
        yield run_case(case, target)


def _say(result: Result) -> Result:
    reason = f"  {result.reason}" if result.reason else ""
    sys.stdout.write(f"{result.outcome:8}{', '.join(result.requires):16} {result.case}{reason}\n")
    sys.stdout.flush()
    return result


if __name__ == "__main__":
    sys.exit(main())
