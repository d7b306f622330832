"""Records through the engine: faults stay where they are, profiles, hooks, mentions, the account."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taxii_hub.errors import MappingError, ReportError
from taxii_hub.mapping.constants import DESIGNATION, EDITION
from taxii_hub.mapping.convert import Conversion, ConvertOptions, convert
from taxii_hub.mapping.document import readme_text
from taxii_hub.mapping.spec import Spec
from taxii_hub.stix.markings import TLP_2_IDS

from .conftest import NAMESPACE

Make = Callable[..., Spec]
Run = Callable[..., Conversion]

CALL = ("{const: individual}", "{call: made}")


def of_type(made: Conversion, object_type: str) -> list[dict[str, Any]]:
    issuer = made.namespace  # the issuer and the converter are identities too: not asked for here
    assert issuer == NAMESPACE
    return [
        o
        for o in made.objects()
        if o["type"] == object_type and not (object_type == "identity" and _around(o))
    ]


def _around(item: dict[str, Any]) -> bool:
    return item["name"] in {"Atlantis", "TAXII Hub"}


def codes(made: Conversion) -> list[str]:
    return [problem.code for problem in made.problems]


def test_a_record(make: Make, run: Run) -> None:
    made = run(make(), "<ROW><REF>1</REF><NAME>Ann</NAME><COLOUR>red</COLOUR><PHONE>555</PHONE></ROW>")
    (ann,) = of_type(made, "identity")
    assert ann["name"] == "Ann"
    assert ann["contact_information"] == "555"
    assert ann["created"] == ann["modified"] == "2026-01-02T00:00:00.000Z"
    assert ann["extensions"][DESIGNATION] == {
        "extension_type": "property-extension",
        "reference": "1",
        "titles": ["warm"],
    }
    assert TLP_2_IDS["green"] in ann["object_marking_refs"]
    assert len(ann["object_marking_refs"]) == 2
    assert made.problems == ()


def test_a_lookup_word_may_be_nothing_and_an_unknown_one_is_kept(make: Make, run: Run) -> None:
    made = run(
        make(), "<ROW><REF>1</REF><COLOUR>grey</COLOUR></ROW><ROW><REF>2</REF><COLOUR>pink</COLOUR></ROW>"
    )
    first, second = (o["extensions"][DESIGNATION]["residual"] for o in of_type(made, "identity"))
    assert (first, second) == ([{"path": "COLOUR", "value": "grey"}], [{"path": "COLOUR", "value": "pink"}])
    assert codes(made) == ["unread-field", "unknown-value"]


def test_equal_places_are_one_object_in_every_edition(make: Make, run: Run) -> None:
    rows = "".join(
        f"<ROW><REF>{i}</REF><PLACE><TOWN>T</TOWN><LAND>Mali</LAND></PLACE></ROW>" for i in range(3)
    )
    made, later = run(make(), rows), run(make(), rows, edition="2027-01-01")
    assert of_type(made, "location") == of_type(later, "location")
    assert len(of_type(made, "location")) == 1
    assert len(of_type(made, "relationship")) == 3
    assert of_type(made, "identity")[0]["id"] == of_type(later, "identity")[0]["id"]
    assert of_type(later, "identity")[0]["modified"] == "2027-01-01T00:00:00.000Z"


def test_one_bad_record_does_not_spoil_its_neighbours(make: Make, run: Run) -> None:
    hooks = """
        def made(view):
            if view.get("NAME").data == "Bad":
                return 1 / 0
            return "individual"
    """
    rows = "".join(
        f"<ROW><REF>{i}</REF><NAME>{n}</NAME><CLERK>c</CLERK></ROW>" for i, n in enumerate(["A", "Bad", "C"])
    )
    made = run(make(CALL, hooks=hooks), rows)
    assert [o["name"] for o in of_type(made, "identity")] == ["A", "C"]
    assert (made.records, made.failed_records, codes(made)) == (3, 1, ["mapping-code"])
    assert "ZeroDivisionError" in made.problems[0].message
    counts = {bucket: count for bucket, count in made.account["buckets"].items() if count}
    assert counts == {"mapped": 3, "carried": 2, "ignored": 3, "dropped": 2}


def test_hooks_cannot_touch_what_is_the_engines(make: Make, run: Run) -> None:
    spec = make(("identity_class: {const: individual}", "object_marking_refs: {const: []}"))
    made = run(spec, "<ROW><REF>1</REF></ROW>")
    assert codes(made) == []  # an empty list says nothing
    spec = make(("identity_class: {const: individual}", "object_marking_refs: {const: [x]}"))
    made = run(spec, "<ROW><REF>1</REF></ROW>")
    assert codes(made) == ["record"]
    assert "object_marking_refs is the engine's" in made.problems[0].message


def test_build_hooks_make_objects_through_the_emitter(make: Make, run: Run) -> None:
    hooks = """
        def notes(view, emitter):
            subject = next(iter(emitter.objects))
            number = view.get("PHONE")
            note = emitter.add("note", "phone", {"content": number, "object_refs": [subject]})
            emitter.relate(note, "related-to", subject)
            emitter.relate(note, "related-to", subject)
            emitter.mention(subject, "related-to", view.get("NAME"), {"description": "says so"})
    """
    spec = make(("main: subject", "main: subject\nbuild: notes"), hooks=hooks)
    made = run(spec, "<ROW><REF>1</REF><NAME>2</NAME><PHONE>555</PHONE></ROW>")
    (note,) = of_type(made, "note")
    assert note["content"] == "555"
    stub = next(o for o in of_type(made, "identity") if o["identity_class"] == "unknown")
    assert stub["modified"] == "2000-01-01T00:00:00.000Z"
    ends = [(r["source_ref"], r["target_ref"], r.get("description")) for r in of_type(made, "relationship")]
    assert (note["id"], note["object_refs"][0], None) in ends
    assert (note["object_refs"][0], stub["id"], "says so") in ends
    assert len(ends) == 2


def test_a_mention_of_a_record_in_the_file_needs_no_stub(make: Make, run: Run) -> None:
    spec = make(
        ("relationships:\n", "relationships:\n  - {from: subject, type: knows, to: subject, keys: NAME}\n"),
    )
    made = run(spec, "<ROW><REF>1</REF><NAME>2</NAME></ROW><ROW><REF>2</REF></ROW>")
    one, two = of_type(made, "identity")
    (known,) = of_type(made, "relationship")
    assert (known["source_ref"], known["target_ref"]) == (one["id"], two["id"])


def test_two_objects_that_want_one_id_fail_their_record(make: Make, run: Run) -> None:
    hooks = """
        def twice(view, emitter):
            emitter.add("note", "n", {"content": "a"})
            emitter.add("note", "n", {"content": view.get("NAME")})
    """
    spec = make(("main: subject", "main: subject\nbuild: [twice]"), hooks=hooks)
    made = run(spec, "<ROW><REF>1</REF><NAME>a</NAME></ROW><ROW><REF>2</REF><NAME>b</NAME></ROW>")
    assert codes(made) == ["record"]
    assert (made.problems[0].record, made.failed_records) == ("2", 1)


def test_objects_of_two_records_that_want_one_id_fail_the_second(make: Make, run: Run) -> None:
    hooks = """
        def clash(view, emitter):
            emitter.seed = ("same",)
            emitter.add("note", "n", {"content": view.get("NAME")})
    """
    spec = make(("main: subject", "main: subject\nbuild: clash"), hooks=hooks)
    made = run(spec, "<ROW><REF>1</REF><NAME>a</NAME></ROW><ROW><REF>2</REF><NAME>b</NAME></ROW>")
    assert codes(made) == ["record"]
    assert "another record made note--" in made.problems[0].message
    assert len(of_type(made, "note")) == 1


def test_a_profile_takes_out_and_says_so(make: Make, run: Run) -> None:
    rows = "<ROW><REF>1</REF><PHONE>555</PHONE></ROW><ROW><REF>2</REF></ROW>"
    whole, less = run(make(), rows), run(make(), rows, profile="no-phones")
    assert not [o for o in less.objects() if "555" in str(o)]
    assert less.account["buckets"]["minimised"] == 1
    assert less.account["profile"] == "no-phones"
    entry = next(e for e in less.account["paths"] if e["path"] == "PHONE")
    assert entry["targets"] == ["profile: dropped: Telephone numbers are not shared."]
    # STIX 2.1 section 3.5: what is another object has another id; the untouched record keeps its own.
    assert [
        a["id"] == b["id"] for a, b in zip(of_type(whole, "identity"), of_type(less, "identity"), strict=True)
    ] == [
        False,
        True,
    ]
    assert less.problems == ()
    with pytest.raises(ReportError, match="has no profile 'x'; it has: no-phones"):
        run(make(), rows, profile="x")


def test_a_cleaner_that_cuts_keeps_the_whole_text(make: Make, run: Run) -> None:
    made = run(make(), "<ROW><REF>1</REF><BORN>2012-12-31-05:00</BORN></ROW>")
    (one,) = of_type(made, "identity")
    assert one["extensions"][DESIGNATION]["listed_on"] == "2012-12-31"
    assert one["extensions"][DESIGNATION]["residual"] == [{"path": "BORN", "value": "2012-12-31-05:00"}]
    assert made.problems == ()


def test_long_values_are_shortened_in_problems_only(make: Make, run: Run) -> None:
    made = run(make(), f"<ROW><REF>1</REF><NEW>{'long ' * 100}</NEW></ROW>")
    assert len(made.problems[0].value or "") == 120
    assert len(of_type(made, "identity")[0]["extensions"][DESIGNATION]["residual"][0]["value"]) == 499


def test_the_report_says_what_happened(make: Make, run: Run) -> None:
    made = run(make(), "<ROW><REF>1</REF><NEW>x</NEW></ROW><ROW/>")
    report = list(made.objects())[-1]
    facts = report["extensions"][EDITION]
    assert facts["source_sha256"] == made.sha256
    assert (facts["records"], facts["failed_records"], facts["problems"]) == (2, 1, 2)
    assert facts["buckets"] == made.account["buckets"]
    assert report["published"] == made.edition == "2026-01-02T00:00:00.000Z"
    assert "2 records, 1 of them not converted" in report["description"]


def test_another_converter_makes_another_report_and_equal_objects(make: Make, run: Run) -> None:
    one = run(make(), "<ROW><REF>1</REF></ROW>", converter="a")
    two = run(make(), "<ROW><REF>1</REF></ROW>", converter="b")
    assert one.data[:-1] == two.data[:-1]
    assert list(one.objects())[-1]["id"] != list(two.objects())[-1]["id"]


def test_an_edition_is_needed(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "t.xml"
    path.write_text("<LIST><ROW><REF>1</REF></ROW></LIST>")
    with pytest.raises(ReportError, match=r"t\.xml: has no LIST/@date; give the date with --edition"):
        convert(make(), path, ConvertOptions(NAMESPACE))
    assert convert(make(), path, ConvertOptions(NAMESPACE, edition="2026-05-05")).records == 1
    path.write_text("<LIST date='soon'/>")
    with pytest.raises(
        ReportError, match=r"edition 'soon' is no date and time .*; give the date with --edition"
    ):
        convert(make(), path, ConvertOptions(NAMESPACE))


def test_a_hook_that_reads_an_unlisted_path_is_told(make: Make, run: Run) -> None:
    spec = make(CALL, hooks="def made(view):\n    return view.get('SHOE')\n")
    with pytest.raises(MappingError, match="tiny_list: 'SHOE' is read but not listed; add it to fields"):
        run(spec, "<ROW><REF>1</REF></ROW>")


def test_keys_of_several_parts(make: Make, run: Run) -> None:
    spec = make(("key: REF", "key: [REF, NAME]"))
    made = run(
        spec,
        "<ROW><REF>1</REF><NAME>a</NAME></ROW><ROW><REF>1</REF><NAME>b</NAME></ROW><ROW><REF>1</REF></ROW>",
    )
    assert [problem.message for problem in made.problems] == ["has no REF and NAME"]
    assert made.failed_records == 1


@pytest.mark.parametrize(
    ("node", "wanted"),
    [
        ("{all: [NAME, PHONE]}", ["a", "b", "555"]),
        ("{join: [NAME, COLOUR, PHONE], with: '-'}", "a-555"),
        ("{first: [COLOUR, PHONE, NAME]}", "555"),
        ("{kind: {ROW: PHONE}}", "555"),
        ("[NAME, {const: x}]", ["a", "x"]),
        ("{set: {n: NAME, gone: COLOUR}}", {"n": "a"}),
        ("{set: {n: NAME}, when: {present: PHONE}}", {"n": "a"}),
        ("{set: {n: NAME}, unless: {present: PHONE}}", None),
        ("{each: PLACE, set: {town: TOWN}}", [{"town": "T"}, {"town": "U"}]),
        ("{each: PLACE, set: {town: TOWN}, when: {present: LAND}}", [{"town": "T"}]),
        ("{each: PLACE, set: {town: TOWN}, unless: {lookup: countries, of: LAND}}", [{"town": "U"}]),
        ("{each: PLACE, set: {town: TOWN}, when: {lookup: countries, of: LAND, is: FR}}", None),
        ("{each: PLACE/TOWN, set: {town: .}}", [{"town": "T"}, {"town": "U"}]),
        ("{each: NAME, call: upper}", ["A", "B"]),
    ],
)
def test_nodes(make: Make, run: Run, node: str, wanted: object) -> None:
    hooks = "def upper(group):\n    name = group.get('.')\n    return name.derive(name.data.upper())\n"
    spec = make(("contact_information: PHONE", f"x: {node}"), hooks=hooks)
    rows = (
        "<ROW><REF>1</REF><NAME>a</NAME><NAME>b</NAME><PHONE>555</PHONE>"
        "<PLACE><TOWN>T</TOWN><LAND>Mali</LAND></PLACE><PLACE><TOWN>U</TOWN></PLACE></ROW>"
    )
    (one,) = of_type(run(spec, rows), "identity")
    assert one.get("x") == wanted


def test_the_least_that_a_mapping_can_say(make: Make, run: Run) -> None:
    spec = make(
        ("lookups:\n  colours: {red: warm, blue: cold, grey: null}\n", ""),
        ("      titles: [{lookup: colours, of: COLOUR}]\n", ""),
        ("relationships:\n  - {from: subject, type: located-at, to: place}\n", ""),
        ("{tlp: green, statement: Made up.}", "{tlp: clear}"),
        ("minimise:\n  no-phones: {PHONE: Telephone numbers are not shared.}\n", ""),
        ("ignore:\n  CLERK: Who typed it has no intelligence value.\n", ""),
    )
    made = run(spec, "<ROW><REF>1</REF></ROW>")
    (one,) = of_type(made, "identity")
    assert one["object_marking_refs"] == [TLP_2_IDS["clear"]]
    readme = readme_text(spec)
    assert "## Lookups" not in readme
    assert "TLP:CLEAR.\n" in readme


def test_objects_of_groups_have_ids_of_their_own(make: Make, run: Run) -> None:
    spec = make(("id: content", "id: [TOWN]"))
    rows = "<ROW><REF>1</REF>" + "".join(f"<PLACE><TOWN>{t}</TOWN><LAND>Mali</LAND></PLACE>" for t in "TU")
    made = run(spec, rows + "</ROW>")
    assert len({o["id"] for o in of_type(made, "location")}) == 2
    assert all(o["modified"] == made.edition for o in of_type(made, "location"))


def test_a_reference_may_have_parts_that_are_missing(make: Make, run: Run) -> None:
    spec = make(("key: REF", 'key: [{first: [PHONE, REF]}, {first: [NAME, {const: ""}]}]'))
    made = run(spec, "<ROW><REF>1</REF></ROW><ROW><REF>2</REF><PHONE>5</PHONE><NAME>Ann</NAME></ROW><ROW/>")
    assert set(made.made) == {"1|", "5|Ann"}
    assert [problem.message for problem in made.problems] == ["has no PHONE or REF and NAME"]
    assert "made from `PHONE or REF`, `NAME`" in readme_text(spec)


def test_a_day_that_only_tells_the_edition_has_a_place(make: Make, run: Run) -> None:
    spec = make(("edition: LIST/@date", "edition: SEEN, from: records"), ("LIST/@date: moment", "SEEN: day"))
    made = run(spec, "<ROW><REF>1</REF><SEEN>2026-01-03</SEEN></ROW><ROW><REF>2</REF><SEEN>soon</SEEN></ROW>")
    assert made.edition == "2026-01-03T00:00:00.000Z"
    assert codes(made) == ["unlisted-field", "bad-value"]
    (seen,) = [entry for entry in made.account["paths"] if entry["path"] == "SEEN"]
    assert seen["buckets"] == {"mapped": 1, "carried": 1}


def test_a_report_that_is_nothing_but_problems_is_refused(
    make: Callable[..., Spec], run: Callable[..., Conversion], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taxii_hub.mapping.accounting.MAX_PROBLEMS", 3)
    with pytest.raises(ReportError, match=r"tiny\.xml:1: more than 3 problems, the first: "):
        run(make(), "<ROW/>" * 5 + "".join(f"<ROW><REF>{n}</REF><NEW>x</NEW></ROW>" for n in range(9)))
