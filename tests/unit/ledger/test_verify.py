"""Whatever is done to a log is found, and the place is named."""

from __future__ import annotations

import random
from dataclasses import replace

import orjson
import pytest

from taxii_hub.ledger.export import ExportError, row_line, verify_export
from taxii_hub.ledger.findings import Report
from taxii_hub.ledger.leaves import Actor, leaf_of
from taxii_hub.ledger.log import TILE, Row
from taxii_hub.ledger.merkle import leaf_hash
from taxii_hub.ledger.verify import verify
from tests.support.ledgers import AT, ORIGIN, SIGNER, Log, a_log, lines_of_a_log

KEYS = [SIGNER.verifier]
OTHER = leaf_of("page", AT, Actor("somebody"), {})


def check(log: Log, *outside: str) -> Report:
    return verify(log.rows, log.evidence(*outside))


def said(report: Report) -> list[tuple[str, int, int]]:
    return [(f.what, f.first, f.last) for f in report.findings]


def rewrite(log: Log, n: int, leaf: bytes = OTHER) -> None:
    """A row and its hash: what somebody does who knows no more."""
    log.rows[n] = replace(log.rows[n], leaf=leaf, hash=leaf_hash(leaf))


def retile(log: Log, n: int, hashed: bytes) -> None:
    data = bytearray(log.tiles[n // TILE])
    data[n % TILE * 32 : (n % TILE + 1) * 32] = hashed
    log.tiles[n // TILE] = bytes(data)


def test_a_log_that_nobody_touched_is_sound() -> None:
    log = a_log()
    log.add(5)
    report = check(log, log.kept[1].note)
    assert report.sound
    assert (report.size, report.proved, report.checkpoints) == (625, 620, 4)
    assert verify_export(log.lines(), KEYS).sound
    assert verify([], Log().evidence()).sound


def test_a_changed_row_is_named() -> None:
    for n in (0, 39, 40, 300, 619, 622):
        log = a_log()
        log.add(5)
        rewrite(log, n)
        assert said(check(log)) == [("row", n, n)], n
        log.rows[n] = replace(log.rows[n], hash=a_log(625).rows[n].hash)
        assert said(check(log)) == [("row", n, n)], n


def test_a_changed_hash_and_a_changed_tile_are_told_from_a_changed_row() -> None:
    log = a_log()
    log.rows[77] = replace(log.rows[77], hash=bytes(32))
    retile(log, 400, bytes(32))
    assert said(check(log)) == [("hash", 77, 77), ("tile", 400, 400)]


def test_a_row_changed_with_its_hash_and_its_tile_lies_between_two_checkpoints() -> None:
    log = a_log()
    rewrite(log, 300)
    retile(log, 300, leaf_hash(OTHER))
    report = check(log)
    assert said(report) == [("rewritten", 256, 355)]
    assert "between checkpoint 2 and checkpoint 3" in report.findings[0].words
    assert report.proved == 256
    rewrite(log, 5)
    assert [(w, a) for w, a, _ in said(check(log))] == [("row", 5), ("rewritten", 256)]


def test_missing_exchanged_repeated_and_added_rows_are_named() -> None:
    log = a_log()
    del log.rows[100:103], log.rows[50]
    assert said(check(log)) == [("missing", 50, 50), ("missing", 100, 102)]
    log = a_log()
    first, second = log.rows[7], log.rows[8]
    log.rows[7:9] = [replace(second, n=7), replace(first, n=8)]
    report = check(log)
    assert said(report) == [("row", 7, 7), ("row", 8, 8)]
    assert "it holds the leaf of row 8" in report.findings[0].words
    log = a_log()
    log.rows[7:9] = [second, first]
    assert said(check(log)) == [("order", 8, 8), ("order", 7, 7), ("order", 9, 9)]
    log = a_log()
    log.rows.append(log.rows.pop(40))
    assert said(check(log)) == [("order", 41, 41), ("order", 40, 40)]
    log = a_log()
    log.rows.insert(10, replace(log.rows[9], leaf=OTHER))
    log.rows.append(Row(620, leaf_hash(OTHER), OTHER))
    log.rows.append(Row(-1, leaf_hash(OTHER), OTHER))
    assert said(verify(log.rows, replace(log.evidence(), tree=a_log().tree))) == [
        ("twice", 9, 9),
        ("beyond", 620, 620),
        ("beyond", -1, -1),
    ]


def test_a_log_cut_off_everywhere_is_found_by_a_checkpoint_kept_elsewhere() -> None:
    whole, log = a_log(), a_log(40, 216)
    assert check(log).sound, "nothing inside tells of it"
    report = check(log, whole.kept[2].note)
    assert ("truncated", 256, 355) in said(report)
    assert ("checkpoint", 3, 3) in said(report)
    log = a_log()
    del log.rows[-10:]
    assert said(check(log))[0] == ("truncated", 610, 619)


def test_a_log_written_anew_with_the_hubs_own_key_is_found_by_a_checkpoint_kept_elsewhere() -> None:
    note = a_log().kept[2].note
    log = Log()
    log.add(30)
    leaf = leaf_of("page", AT, Actor("x"), {})
    log.rows.append(Row(30, leaf_hash(leaf), leaf))
    log.tiles[0] += leaf_hash(leaf)
    log.frontier.append(leaf_hash(leaf))
    for part in (9, 216, 364):
        log.add(part)
        log.sign()
    assert check(log).sound
    assert said(check(log, note)) == [("rewritten", 256, 355)]


def test_checkpoints_are_looked_at_too() -> None:
    log = a_log()
    log.kept[1] = replace(log.kept[1], note=log.kept[1].note.replace("\n256\n", "\n255\n"))
    log.kept[2] = replace(log.kept[2], frontier=())
    assert said(check(log)) == [("checkpoint", 2, 2), ("checkpoint", 3, 3)]
    log = a_log()
    evidence = log.evidence()
    assert said(verify(log.rows, replace(evidence, kept=log.kept[:1] + log.kept[2:]))) == [
        ("checkpoint", 2, 2)
    ]
    assert said(verify(log.rows, replace(evidence, kept=log.kept[:3]))) == [("checkpoint", 4, 4)]
    assert said(verify(log.rows, replace(evidence, kept=[*log.kept, log.kept[3]]))) == [("checkpoint", 4, 4)]
    moved = [*log.kept[:3], replace(log.kept[3], number=5)]
    assert {w for w, *_ in said(verify(log.rows, replace(evidence, kept=moved)))} == {"checkpoint", "state"}
    assert {w for w, *_ in said(verify(log.rows, replace(evidence, origin="other")))} == {"checkpoint"}
    assert said(verify(log.rows, replace(evidence, outside=["nonsense"]))) == [("checkpoint", 0, 0)]


def test_the_trees_state_is_looked_at_too() -> None:
    log = a_log()
    log.add(3)
    tree = log.tree
    for wrong in (
        replace(tree, size=624),
        replace(tree, size=600),
        replace(tree, size=2**60),
        replace(tree, frontier=tree.frontier[:-1]),
        replace(tree, frontier=(bytes(32), *tree.frontier[1:])),
        replace(tree, checkpoints=2**40),
        replace(tree, checkpoints=0),
    ):
        report = verify(log.rows, replace(log.evidence(), tree=wrong))
        assert not report.sound, wrong
        assert {"state", "truncated"} & {f.what for f in report.findings}, report


def test_rows_that_nobody_signed_yet_are_compared_with_each_other() -> None:
    log = a_log(40)
    log.add(30)
    tree = replace(log.tree, frontier=(bytes(32), *log.tree.frontier[1:]))
    log.rows[45] = replace(log.rows[45], hash=bytes(32))
    rewrite(log, 50)
    log.rows[55] = replace(log.rows[55], leaf=OTHER)
    retile(log, 60, bytes(32))
    found = said(verify(log.rows, replace(log.evidence(), tree=tree)))
    assert found == [("hash", 45, 45), ("row", 50, 50), ("row", 55, 55), ("row", 60, 60), ("state", 40, 70)]


def test_what_a_row_is_found_by_is_compared_with_its_leaf() -> None:
    log = a_log()
    good = {"k": "page", "t": AT + 3, "a": "siem-0", "g": "gb-owl", "c": 1}
    log.rows[3] = replace(log.rows[3], index=good)
    log.rows[4] = replace(log.rows[4], index=good)
    assert said(check(log)) == [("index", 4, 4)]
    broken = Row(4, leaf_hash(b"{"), b"{", {})
    log.rows[4] = broken
    assert said(check(log)) == [("index", 4, 4), ("row", 4, 4)]


def test_what_is_no_export_is_refused() -> None:
    for line in (b"", b"{}", b'{"export":2}', b"[]"):
        with pytest.raises(ExportError):
            verify_export([line], KEYS)


def test_a_thousand_findings_are_enough() -> None:
    log = a_log(1500)
    log.rows = [replace(row, hash=bytes(32)) for row in log.rows]
    assert len(check(log).findings) == 1000


# --- the campaign ------------------------------------------------------------------------------

HEAD = len(lines_of_a_log()) - 310


def _bit(dice: random.Random, lines: list[bytes]) -> int:
    place = dice.randrange(1, len(lines))
    line = bytearray(lines[place])
    bit = dice.randrange(len(line) * 8)
    line[bit // 8] ^= 1 << bit % 8
    lines[place] = bytes(line)
    return place


def _row(dice: random.Random, lines: list[bytes]) -> int:
    """A row changed with its hash, as somebody would who knows how it is made."""
    place = dice.randrange(HEAD, len(lines))
    row = orjson.loads(lines[place])
    leaf = row["leaf"].replace("siem-", "tip-").encode()
    lines[place] = row_line(Row(row["n"], leaf_hash(leaf), leaf))
    return place


def _deletion(dice: random.Random, lines: list[bytes]) -> int:
    place = dice.randrange(1, len(lines))
    del lines[place]
    return place


def _reordering(dice: random.Random, lines: list[bytes]) -> tuple[int, int]:
    place, other = sorted(dice.sample(range(1, len(lines)), 2))
    lines[place], lines[other] = lines[other], lines[place]
    return place, other


def _exchange(dice: random.Random, lines: list[bytes]) -> int:
    """Two rows' contents under each other's numbers."""
    place, other = dice.sample(range(HEAD, len(lines)), 2)
    one, two = orjson.loads(lines[place]), orjson.loads(lines[other])
    lines[place] = orjson.dumps({**two, "n": one["n"]}) + b"\n"
    lines[other] = orjson.dumps({**one, "n": two["n"]}) + b"\n"
    return place


def _duplication(dice: random.Random, lines: list[bytes]) -> tuple[int, int]:
    place, other = dice.randrange(1, len(lines)), dice.randrange(1, len(lines))
    lines.insert(other, lines[place])
    return place, other


def _truncation(dice: random.Random, lines: list[bytes]) -> int:
    place = dice.randrange(HEAD, len(lines))
    del lines[place:]
    return place


DEEDS = (_bit, _row, _deletion, _reordering, _exchange, _duplication, _truncation)


def _located(report: Report, lines: tuple[bytes, ...], place: int | tuple[int, int]) -> bool:
    """Whether a finding names the line that was touched (of two exchanged lines either), by what it holds
    or as a line of the file."""
    if isinstance(place, tuple):
        return any(_located(report, lines, each) for each in place)
    found = orjson.loads(lines[place])
    number = next(found[key] for key in ("n", "tile", "checkpoint") if key in found)
    low, high = (number * TILE, number * TILE + TILE - 1) if "tile" in found else (number, number)
    return any(
        f.first <= high and low <= f.last if f.what != "line" else f.first == place + 1
        for f in report.findings
    )


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_a_thousand_tamperings_are_found_and_located(deed) -> None:
    """Issue 4, point 9: 143 of each kind, in an export of 310 rows; the first line is dealt with above."""
    whole = lines_of_a_log()
    dice = random.Random(deed.__name__)
    for round_ in range(143):
        lines = list(whole)
        place = deed(dice, lines)
        report = verify_export(lines, KEYS)
        assert not report.sound, (round_, place)
        assert _located(report, whole, place), (round_, place, report.findings[:3])


def test_the_campaigns_export_is_sound_and_its_first_line_is_compared() -> None:
    lines = list(lines_of_a_log())
    assert verify_export(lines, KEYS).sound
    assert ORIGIN.encode() in lines[0]
    for old, new in (
        (b"310", b"311"),
        (b'"checkpoints":3', b'"checkpoints":4'),
        (b"/test", b"/tess"),
        (b",", b", "),
    ):
        assert not verify_export([lines[0].replace(old, new, 1), *lines[1:]], KEYS).sound
