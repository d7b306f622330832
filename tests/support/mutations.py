"""Records of every mapping's samples, changed at random as sources change: values, fields, order, kinds.

    .venv/bin/python -m tests.support.mutations [RECORDS [SEED]]      (make fuzz)

For each sample there is one conversion after the other, until there were so many records. What must hold: problems
and refusals, never another exception; no mapping's code fails; the account adds up to the values that were there.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from taxii_hub.errors import ReportError
from taxii_hub.mapping.golden import samples
from taxii_hub.mapping.order import Order
from taxii_hub.mapping.readers.dispatch import opened
from taxii_hub.mapping.record import Leaf, Record
from taxii_hub.mapping.registry import registry_of
from taxii_hub.mapping.run import Run
from taxii_hub.mapping.spec import Spec
from taxii_hub.settings import Settings

ODD: Final = (
    "0", "-1", "0000", "9999-12-31", "2020-02-30", "00/00/1975", "15/08/19yy", "circa 1960", "1960 to 1963", "31.12.1900",
    "2026-01-01T25:61:61Z", "9" * 400, "1e999", "NaN", "null", "true", "[]", "{}", "a;b;c;", "| | |", ", , ,", "=1+1", "@x",
    "\u202egnp.exe", "\u0000", "\ufffd", "e\u0301", "\U0001f600", "\u0645\u062d\u0645\u062f", "\u5c71\u7530", "A" * 20_000,
    "identity--00000000-0000-0000-0000-000000000000", "TLP:RED", "TLP:NONE", "http://[", "hxxp://x[.]y", "::1", "1.2.3.4/99",
    "' OR 1=1 --", "[ipv4-addr:value = '1'] OR [", "<b>&amp;lt;</b>", "%s%n{0}", "../../etc/passwd", "\t \u00a0x\u2003",
)  # fmt: skip


def run(records: int, seed: int) -> Counter[str]:
    """Returns how many records, refusals and problems by code there were. Raises AssertionError."""
    chance, counts = random.Random(seed), Counter[str]()
    registry = registry_of(Settings.from_environment())
    read = [(spec, list(_read(spec, sample))) for spec in registry for sample in samples(spec)]
    while counts["records"] < records:
        for spec, found in read:
            _converted(spec, [found[0], *(_mutated(one, chance) for one in found[1:])], chance, counts)
            if counts["records"] >= records:
                break
    return counts


def _read(spec: Spec, sample: Path) -> Iterator[Record]:
    with opened(spec.reader, sample, sample.name) as report:
        yield from report.records


def _converted(spec: Spec, records: list[Record], chance: random.Random, counts: Counter[str]) -> None:
    counts["records"] += len(records) - 1
    if spec.reader.kinds and not any(record.made for record in records):
        middle = records[1:-1]
        chance.shuffle(middle)
        records = [records[0], *middle, *records[len(middle) + 1 :]]
    order = Order("mutated", Settings().id_namespace, "test", None, "2026-01-05T00:00:00.000Z")
    try:
        state = Run(spec, order, records[0])
        for record in records[1:]:
            state.take(record)
        made = state.finish("0" * 64)
    except ReportError:
        counts["refused"] += 1
        return
    values = sum(len(record.leaves) for record in records)
    assert made.account["leaves"] == values == sum(made.account["buckets"].values()), spec.format
    failed = [problem for problem in made.problems if problem.code == "mapping-code"]
    assert not failed, (spec.format, failed[0])
    counts.update(problem.code for problem in made.problems)


def _mutated(record: Record, chance: random.Random) -> Record:
    leaves = list(record.leaves)
    for _ in range(chance.randint(1, 4) if leaves else 0):
        at = chance.randrange(len(leaves))
        leaf = leaves[at]
        what = chance.randrange(8)
        if what == 1 and record.made is None and len(leaves) > 1:
            del leaves[at]
        elif what == 2 and record.made is None:
            other = chance.choice(leaves).path + chance.choice(("/NEW", "[2]", "/@x", "/text()"))
            leaves[at] = Leaf.at(other, leaf.value, leaf.line)
        elif what == 3 and record.made is None:
            leaves.insert(at, Leaf.at(f"{leaf.path}[{chance.randint(2, 9)}]", chance.choice(ODD), leaf.line))
        elif what == 4:
            leaves[at] = leaf._replace(value=chance.choice(leaves).value)
        elif what == 5:
            cut = chance.randrange(len(leaf.value))
            leaves[at] = leaf._replace(value=leaf.value[:cut] + chance.choice(ODD) + leaf.value[cut:])
        elif what == 6 and len(leaf.value) > 1:
            leaves[at] = leaf._replace(value=leaf.value[: chance.randrange(1, len(leaf.value))])
        else:
            leaves[at] = leaf._replace(value=chance.choice(ODD))
    return replace(record, leaves=tuple(leaves))


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1_000_000)
    sys.stdout.write(f"{count} records, seed {seed}\n")
    for name, number in sorted(run(count, seed).items()):
        sys.stdout.write(f"{number:>8} {name}\n")
