"""What was made of a long report waits in a file, not in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxii_hub.errors import ReportError
from taxii_hub.mapping.spool import Spool


@settings(max_examples=40)
@given(texts=st.lists(st.binary(max_size=40)), limit=st.integers(0, 100))
def test_a_spool_is_the_sequence_of_its_texts(texts: list[bytes], limit: int) -> None:
    spool = Spool(texts, in_memory=limit)
    assert list(spool) == texts
    assert [spool[at] for at in range(-len(texts), len(texts))] == texts * 2
    assert spool[1:-1] == tuple(texts[1:-1])
    assert spool == Spool(texts)
    assert spool != Spool([*texts, b""])


def test_only_what_came_last_stays_in_memory() -> None:
    spool = Spool((b"x" * 60 for _ in range(100)), in_memory=1000)
    assert len(spool._recent) <= 1000
    assert b"".join(spool) == b"x" * 6000


def test_a_place_beyond_the_end_is_told() -> None:
    with pytest.raises(IndexError):
        Spool([b"a"])[1]
    assert Spool([b"a"]) != [b"a"]


def test_a_folder_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(ReportError, match=r"gone.*TMPDIR"):
        Spool([b"a", b"b"], in_memory=1)
