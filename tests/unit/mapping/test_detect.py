from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from taxii_hub.errors import ReportError, UnknownFormatError
from taxii_hub.mapping.detect import detect, verdicts
from taxii_hub.mapping.registry import Registry
from taxii_hub.mapping.spec import Spec

Make = Callable[..., Spec]


def registry(*specs: Spec) -> Registry:
    return Registry(Path("m"), {f"{i}": spec for i, spec in enumerate(specs)})


def test_content_decides_and_the_name_does_not(make: Make) -> None:
    spec = make()
    assert detect(registry(spec), b"<LIST><ROW/>", "holiday.jpg") is spec
    (verdict,) = verdicts(registry(spec), b"<LIST><ROW/>", "x")
    assert verdict.reasons == ("root LIST", "the root is enough")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<OTHER/>", "its root is 'OTHER', not 'LIST'"),
        (b"<LIST/>", "the root has no 'date'"),
        (b"<LIST date='1'><X/></LIST>", "none of ROW among its first elements"),
        (b"", "not XML"),
        (b"%PDF-1.7", "not well-formed XML"),
        (b"<!DOCTYPE LIST><LIST/>", "carries a DOCTYPE"),
    ],
)
def test_what_no_mapping_knows_is_told_with_what_was_tried(make: Make, content: bytes, reason: str) -> None:
    spec = make(("detect: {root: LIST}", "detect: {root: LIST, attributes: date, any_of: [ROW]}"))
    with pytest.raises(UnknownFormatError, match="tiny_list: ") as refused:
        detect(registry(spec), content, "x")
    assert reason in str(refused.value)
    assert str(refused.value).startswith("x: no mapping knows this file (")
    assert "--mapping" in str(refused.value)


def test_no_mappings_and_two_claims(make: Make) -> None:
    with pytest.raises(UnknownFormatError, match="there are no mappings"):
        detect(registry(), b"<LIST/>", "x")
    with pytest.raises(
        UnknownFormatError, match="could be any of tiny_list, tiny_list; say which with --mapping"
    ):
        detect(registry(make(), make()), b"<LIST/>", "x")


def test_files_are_read_at_their_beginning_only(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(b"<LIST>" + b"<ROW></ROW>" * 50_000 + b"broken")
    assert detect(registry(make()), path, "big").format == "tiny_list"
    with pytest.raises(ReportError, match=r"gone: cannot be read \(No such file"):
        detect(registry(make()), tmp_path / "gone", "gone")
