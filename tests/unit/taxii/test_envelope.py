from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.errors import BadEnvelopeError, TooLargeError
from taxii_hub.taxii.envelope import DIGEST_BYTES, MAX_MEMBERS, Member, digest, parse_envelope

OBJECT = b'{"type":"identity","id":"identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}'


def test_the_exact_bytes_are_kept() -> None:
    """R3: spacing, key order, number and string spelling."""
    slices = [
        b'{ "b" : 1.0e+00,\t"a":[ ] }',
        b'{"a":"\\u00e9\\/"}',
        '{"a":"é😀"}'.encode(),
        b'{\r\n"$ref":-0}',
    ]
    members = parse_envelope(b'\n{"objects" :\t[ ' + b" ,\n".join(slices) + b" ] }\r\n ")
    assert [member.data for member in members] == slices
    assert [member.value for member in members] == [json.loads(data) for data in slices]
    assert {member.problem for member in members} == {None}


@pytest.mark.parametrize(
    "body", [b"{}", b'{"objects":[]}', b' { "objects" : [ ] } ', b'{"more":false}', b'{"type":"bundle"}']
)
def test_nothing_in_it(body: bytes) -> None:
    """T-5.5-04."""
    assert parse_envelope(body) == ()


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b'"more":true,"next":"x",',
        b'"type":"bundle","id":"bundle--1","spec_version":"2.0",',
        b'"x_custom":{"objects":[1,{"a":[]}]},"x_custom":NaN,',
        b'"deep":' + b"[" * 5000 + b"]" * 5000 + b",",
    ],
)
def test_other_properties_are_ignored(before: bytes) -> None:
    """T-5.5-13, clients.md item 3."""
    member = Member(json.loads(OBJECT), OBJECT)
    assert parse_envelope(b"{" + before + b'"objects":[' + OBJECT + b"]}") == (member,)
    assert parse_envelope(b'{"objects":[' + OBJECT + b"]," + before + b'"z":0}') == (member,)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "no JSON object"),
        (b"   ", "no JSON object"),
        (b"[]", "no JSON object"),
        (b'"objects"', "no JSON object"),
        (b"5", "no JSON object"),
        (b"null", "no JSON object"),
        (b'{"objects":{}}', '"objects" is no list'),
        (b'{"objects":null}', '"objects" is no list'),
        (b'{"objects":"[]"}', '"objects" is no list'),
        (b'{"objects":[],"objects":[]}', "twice"),
        (b'{"objects":[],"\\u006fbjects":[]}', "twice"),
        (b'\xef\xbb\xbf{"objects":[]}', "byte order mark"),
        (b'{"objects":["\xff"]}', r"no UTF-8 \(byte 13\)"),
        (b'{"objects":["\xed\xa0\x80"]}', "no UTF-8"),
        ('{"objects":[]}'.encode("utf-16"), "no UTF-8"),
        (b'{"objects":[]} x', r"follows the envelope \(character 15\)"),
        (b'{"objects":[]}{}', "follows"),
        (b'{"objects":[]}\0', "follows"),
        (b'{"objects":[\n{"a":1,}]}', r"no JSON \(line 2, column 8\)"),
        (b'{"objects":[{}', "no JSON"),
        (b'{"objects":[{},]}', "no JSON"),
        (b'{"objects":[{} {}]}', "no JSON"),
        (b'{"objects" []}', "no JSON"),
        (b'{"objects":[],}', "no JSON"),
        (b"{'objects':[]}", "no JSON"),
        (b'{"objects":[01]}', "no JSON"),
        (b'{"objects":[' + b"[" * 50_000, "no JSON"),
        (b"{" * 50_000, "no JSON"),
        (b'{"a":' * 50_000, "no JSON"),
        (b'{"objects":[' + b"{}," * 1_000_000 + b"{}]}", "mostly brackets"),
        (b'{"objects":[[' + b"[]," * 1_000_000 + b"[]]]}", "mostly brackets"),
        (b"{" + b",".join(b'"p%d":0' % n for n in range(1_001)) + b"}", "More than 1,000 properties"),
        (OBJECT, "a bare object"),
    ],
)
def test_what_is_no_envelope(body: bytes, message: str) -> None:
    """T-5.5-03: refused as a whole, saying where."""
    with pytest.raises(BadEnvelopeError, match=message) as caught:
        parse_envelope(body)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("member", [b"5", b'{"a":1}', b'{"a": 1}'])
def test_more_than_a_status_can_tell_of(member: bytes) -> None:
    """Refused as a whole, whoever reads them; as many as that are read."""
    body = b'{"objects":[' + b",".join([member] * MAX_MEMBERS)
    assert len(parse_envelope(body + b"]}")) == MAX_MEMBERS
    with pytest.raises(TooLargeError, match=r"More than 30,000 objects"):
        parse_envelope(body + b"," + member + b"]}")


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (b"5", "objects[1]: no JSON object"),
        (b"null", "objects[1]: no JSON object"),
        (b'"x"', "objects[1]: no JSON object"),
        (b"[{}]", "objects[1]: no JSON object"),
        (b'{"a":[NaN]}', "objects[1].a[0]: NaN is no JSON value"),
        (b'{"a":1,"a":1}', "objects[1]: the key 'a' is given twice"),
        (
            b'{"a":123456789012345678901234567890}',
            "objects[1].a: the integer 123456789012345678901234567890 is beyond",
        ),
        (b'{"a":"\\ud800"}', "objects[1].a: holds half of a surrogate pair"),
        (b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}", "objects[1]: nested deeper than 100 levels"),
        (b'{"a":"' + b"x" * 8_000_000 + b'"}', "objects[1]: larger than 8,000,000 bytes"),
    ],
)
def test_one_bad_member_does_not_spoil_its_neighbours(bad: bytes, problem: str) -> None:
    """R2, T-5.5-07, T-5.5-12."""
    good = Member(json.loads(OBJECT), OBJECT)
    first, second, third = parse_envelope(b'{"objects":[' + OBJECT + b"," + bad + b"," + OBJECT + b"]}")
    assert (first, third) == (good, good)
    assert second.data == bad
    assert second.problem is not None
    assert second.problem.startswith(problem)


def test_a_bad_member_keeps_its_name_for_the_status() -> None:
    (member,) = parse_envelope(b'{"objects":[{"id":"i","type":"t","modified":"m","x":NaN}]}')
    assert member.value == {"id": "i", "type": "t", "modified": "m"}


@given(st.binary(max_size=200))
def test_any_bytes_are_an_envelope_or_refused(body: bytes) -> None:
    _parsed_or_refused(body)


@given(st.data())
def test_mutated_envelopes_are_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(
        b'{"more":false,"objects":['
        + OBJECT
        + b',{"a":[1,2.5,"\\u00e9\\ud83d\\ude00",null,{"b":true}]},"x"],"next":"y"}'
    )
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(body) - 1))
        piece = data.draw(
            st.binary(max_size=2)
            | st.sampled_from([b"{", b"}", b"[", b"]", b'"', b",", b"\\", b"NaN", b"9" * 30])
        )
        body[index : index + data.draw(st.integers(0, 2))] = piece
    _parsed_or_refused(bytes(body))


def _parsed_or_refused(body: bytes) -> None:
    try:
        members = parse_envelope(body)
    except BadEnvelopeError:
        return
    assert isinstance(json.loads(body), dict)
    for member in members:
        assert member.data in body
        if member.problem is None:
            assert member.value == json.loads(member.data)


# --- digest --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}'),
        ('{"a": 1}', '{"a": 1.0}'),
        ('{"a": [1e0, 100]}', '{"a": [1, 1E2]}'),
        ('{"a": -0.0}', '{"a": 0}'),
        ('{"a": {"b": 5.0}}', '{"a": {"b": 5}}'),
        ('{"a": 0.50}', '{"a": 5e-1}'),
        ('{"a": 1e23}', '{"a": 100000000000000000000000.0}'),
        ('{"a": "\\u00e9\\/"}', '{"a": "é/"}'),
    ],
)
def test_equal_values_have_equal_digests(one: str, other: str) -> None:
    """R2: same content = equal parsed values."""
    assert digest(json.loads(one)) == digest(json.loads(other))
    assert len(digest(json.loads(one))) == DIGEST_BYTES


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1}', '{"a": 2}'),
        ('{"a": 1}', '{"a": "1"}'),
        ('{"a": 1}', '{"a": true}'),
        ('{"a": 0}', '{"a": null}'),
        ('{"a": 1.0}', '{"a": 1.5}'),
        ('{"a": []}', '{"a": {}}'),
        ('{"a": [1, 2]}', '{"a": [2, 1]}'),
        ('{"a": null}', "{}"),
        ('{"a": "é"}', '{"a": "e\\u0301"}'),
    ],
)
def test_other_values_have_other_digests(one: str, other: str) -> None:
    assert digest(json.loads(one)) != digest(json.loads(other))


def _respelled(value: Any) -> Any:
    """Equal, with keys in another order and whole numbers as floats."""
    if isinstance(value, dict):
        return {key: _respelled(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [_respelled(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
        st.recursive(
            st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), inner, max_size=3),
            max_leaves=10,
        ),
        max_size=4,
    )
)  # fmt: skip
def test_the_spelling_never_matters(value: dict[str, Any]) -> None:
    assert digest(_respelled(value)) == digest(value)


_STRINGS = st.sampled_from(
    ['"a"', '"b"', '"\\u00e9"', '"é😀"', '"\\ud83d\\ude00"', '"\\/"', '"\\n\\""', '"x.0,"', '"id"']
)  # fmt: skip
_NUMBERS = st.sampled_from(
    ["0", "-0", "-0.0", "1.0", "1e5", "0.5", "9007199254740991", "9007199254740993", "true", "null"]
)  # fmt: skip
_VALUES = st.recursive(
    _STRINGS | _NUMBERS,
    lambda inner: st.builds(
        lambda blank, items: f"[{(',' + blank).join(items)}]", st.sampled_from(["", "", " "]), st.lists(inner, max_size=3)
    )
    | st.builds(
        lambda blank, items: "{" + ",".join(f"{key}:{blank}{item}" for key, item in items) + "}",
        st.sampled_from(["", "", " "]),
        st.lists(st.tuples(_STRINGS, inner), max_size=3),
    ),
    max_leaves=8,
)  # fmt: skip


_MEMBERS = st.lists(
    _VALUES.map(lambda text: f'{{"a":{text}}}') | st.just(f'{{"a":{"[" * 101}{"]" * 101}}}') | _VALUES,
    max_size=20,
)
_NOT_FOR_ORJSON = st.sampled_from(
    [[], [], [], ['{"a":NaN}'], ['{"a":1e400}'], ['{"a":"\\ud800"}'], ['{"\\u0000":0}']]
)


@given(_MEMBERS, _NOT_FOR_ORJSON)
def test_the_quick_reader_reads_what_the_strict_one_reads(texts: list[str], last: list[str]) -> None:
    """R3, R2. The first member decides whether it is tried at all: a blank in it says no."""
    texts += last
    listed = ",".join(texts).encode()

    def read(first: bytes) -> list[tuple[Any, bytes, str | None]]:
        members = parse_envelope(b'{"objects":[' + first + (b"," if texts else b"") + listed + b"]}")[1:]
        return [(repr(m.value), m.data, m.problem) for m in members]

    assert read(b'{"a":0}') == read(b'{ "a":0}')


def test_the_quick_reader_gives_up_and_goes_on() -> None:
    """Members that orjson spells otherwise stand between those that it does not."""
    usual, odd = '{"a":"é"}', '{"a":"\\u00e9"}'
    for texts in ([usual, odd, " ", usual] * 5, [usual] + [odd] * 20 + [usual]):
        given = [text for text in texts if text.strip()]
        body = ('{"objects":[' + ",".join(given) + "]}").encode()
        members = parse_envelope(body)
        assert [member.data.decode() for member in members] == given
        assert all(member.value == {"a": "é"} and member.problem is None for member in members)
