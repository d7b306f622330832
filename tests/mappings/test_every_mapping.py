"""What every mapping must hold, proven on its samples; a new mapping is tested by being there (R5, R8).

Samples whose name starts with ``odd_`` are about problems; the others must convert without any.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import stix2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stix2validator import ValidationOptions, validate_string

from taxii_hub.errors import ReportError
from taxii_hub.mapping.accounting import BUCKETS
from taxii_hub.mapping.constants import DESIGNATION, EDITION, SOURCE, schema_text
from taxii_hub.mapping.convert import Conversion
from taxii_hub.mapping.detect import verdicts
from taxii_hub.mapping.document import readme_of, readme_text
from taxii_hub.mapping.golden import converted, golden_of, golden_text, samples
from taxii_hub.mapping.readers.options import LibraryReader
from taxii_hub.mapping.registry import registry_of
from taxii_hub.mapping.run import BY_RULE
from taxii_hub.mapping.spec import Spec
from taxii_hub.settings import Settings
from taxii_hub.stix import ids, timestamps
from taxii_hub.stix.markings import TLP_2_IDS
from taxii_hub.stix.validation import Validator
from tests.mappings.containers import opened

REGISTRY = registry_of(Settings.from_environment())
PAIRS = [(spec, sample) for spec in REGISTRY for sample in samples(spec)]
CASES = [pytest.param(spec, sample, id=f"{spec.format}-{sample.stem}") for spec, sample in PAIRS]
CLEAN = [
    pytest.param(spec, sample, id=f"{spec.format}-{sample.stem}")
    for spec, sample in PAIRS
    if not sample.stem.startswith("odd_")
]
SPECS = [pytest.param(spec, id=spec.format) for spec in REGISTRY]
EVERY_SAMPLE = pytest.mark.parametrize(("spec", "sample"), CASES)
EVERY_MAPPING = pytest.mark.parametrize("spec", SPECS)

PROFILES = [
    pytest.param(spec, profile, id=f"{spec.format}-{profile}")
    for spec in REGISTRY
    for profile in spec.minimise
]
CHANGING = [
    pytest.param(spec, profile, id=f"{spec.format}-{profile}")
    for spec in REGISTRY
    for profile, made in spec.minimise.items()
    if {"coarsen", "pseudonymise"} & {rule.action for rule in made.rules.values()}
]
EVERY_PROFILE = pytest.mark.parametrize(("spec", "profile"), PROFILES)

Signature = tuple[tuple[str, ...], tuple[Any, ...], str]


@cache
def made_of(format_name: str, sample: Path) -> Conversion:
    return converted(REGISTRY.get(format_name), sample)


def objects_of(spec: Spec, sample: Path) -> list[dict[str, Any]]:
    return list(made_of(spec.format, sample).objects())


# --- goldens and documentation -----------------------------------------------------------------


@EVERY_MAPPING
def test_has_samples_with_and_without_problems(spec: Spec) -> None:
    names = [sample.stem for sample in samples(spec)]
    assert [name for name in names if name.startswith("odd_")]
    assert [name for name in names if not name.startswith("odd_")]


@EVERY_SAMPLE
def test_gives_its_golden_byte_for_byte(spec: Spec, sample: Path) -> None:
    actual = golden_text(made_of(spec.format, sample))
    assert actual == golden_of(sample).read_text(encoding="utf-8"), (
        "taxii-hub mappings check shows the difference"
    )


@EVERY_SAMPLE
def test_gives_the_same_bytes_again(spec: Spec, sample: Path) -> None:
    assert converted(spec, sample).data == made_of(spec.format, sample).data


@EVERY_MAPPING
def test_readme_is_up_to_date(spec: Spec) -> None:
    assert readme_of(spec).read_text(encoding="utf-8") == readme_text(spec), "run: taxii-hub mappings docs"


# --- R5: nothing lost --------------------------------------------------------------------------


@EVERY_SAMPLE
def test_every_leaf_is_in_exactly_one_bucket(spec: Spec, sample: Path) -> None:
    account = made_of(spec.format, sample).account
    assert set(account["buckets"]) == set(BUCKETS)
    assert account["leaves"] == sum(account["buckets"].values()) == len(opened(spec, sample).leaves())
    for entry in account["paths"]:
        assert entry["leaves"] == sum(entry["buckets"].values())
        assert entry["targets"]


@EVERY_SAMPLE
def test_what_is_lost_or_unknown_is_a_problem(spec: Spec, sample: Path) -> None:
    made = made_of(spec.format, sample)
    buckets, codes = made.account["buckets"], [problem.code for problem in made.problems]
    assert codes.count("unlisted-field") == buckets["unlisted"]
    assert bool(buckets["dropped"]) == bool(made.failed_records)
    if not sample.stem.startswith("odd_"):
        assert made.problems == ()
        assert buckets["unlisted"] == buckets["dropped"] == made.failed_records == 0
    for problem in made.problems:
        assert problem.source
        assert problem.line
        assert problem.message
        assert problem.remedy


@EVERY_MAPPING
def test_every_listed_field_goes_somewhere_in_a_sample(spec: Spec) -> None:
    used: set[str] = set()
    library = isinstance(spec.reader, LibraryReader)  # what it leaves out is carried in the residual
    for sample in samples(spec):
        for entry in made_of(spec.format, sample).account["paths"]:
            if entry["buckets"].keys() & {"mapped", "carried", "derived"}:
                used |= {p for p in spec.fields if p[-3:] == "/**" and entry["path"].startswith(p[:-2])}
                if library:
                    used.add(entry["path"])
            if any(not target.endswith("residual") and not by_rule(target) for target in entry["targets"]):
                used.add(entry["path"])
    assert set(spec.fields) <= used


@pytest.mark.uncounted
@EVERY_SAMPLE
def test_mutation_of_any_leaf_is_seen(spec: Spec, sample: Path, tmp_path: Path) -> None:
    """R5's proof: a value outside the sample's values changes objects, problems or counts, unless a
    named rule says why not. Once with nonsense, once with a well-formed value of the same shape."""
    report = opened(spec, sample)
    before = signature(converted(spec, report.write(tmp_path)))
    unseen = []
    for position, (path, value) in enumerate(report.leaves()):
        for other in ("§ mutated 4711", same_shape(value)):
            if signature_after(spec, report.write(tmp_path, position, other)) == before:
                unseen.append((path, value, other))
    ignored = {
        entry["path"]
        for entry in made_of(spec.format, sample).account["paths"]
        if "ignored" in entry["buckets"]
    }
    assert [case for case in unseen if case[0] not in ignored] == []
    left_out = {
        entry["path"]
        for entry in made_of(spec.format, sample).account["paths"]
        if any(map(by_rule, entry["targets"]))
    }
    assert {case[0] for case in unseen} <= set(spec.ignore) | left_out


@EVERY_MAPPING
def test_every_rule_leaves_a_record_of_some_sample_out(spec: Spec) -> None:
    found = [made_of(spec.format, sample).account.get("left_out", {}) for sample in samples(spec)]
    assert [rule.name for rule in spec.leave_out if not any(counts[rule.name] for counts in found)] == []


@pytest.mark.uncounted
@EVERY_MAPPING
def test_every_lookup_entry_is_exercised(spec: Spec) -> None:
    """Without an entry, some sample gives something else: first those are tried that ask for it."""
    asked: dict[tuple[Path, str], set[str]] = {}
    before = {}
    for sample in samples(spec):
        noted = {name: Noted(table) for name, table in spec.lookups.items()}
        before[sample] = signature(converted(replace(spec, lookups=noted), sample))
        asked |= {(sample, name): table.asked for name, table in noted.items()}
    idle = []
    for name, table in spec.lookups.items():
        for text in table:
            less = {**spec.lookups, name: {key: word for key, word in table.items() if key != text}}
            changed = replace(spec, lookups=less)
            likely = sorted(before, key=lambda sample: text not in asked[sample, name])
            if all(signature(converted(changed, sample)) == before[sample] for sample in likely):
                idle.append((name, text))
    assert idle == []


# --- minimised ---------------------------------------------------------------------------------


@EVERY_PROFILE
def test_a_profile_accounts_for_what_it_does_and_tells_nothing_of_it(spec: Spec, profile: str) -> None:
    """Whatever it changes is in its bucket, and the source's own text nowhere (R5)."""
    done: set[str] = set()
    for sample in samples(spec):
        whole, less = made_of(spec.format, sample), converted(spec, sample, profile)
        assert less.account["leaves"] == sum(less.account["buckets"].values()) == whole.account["leaves"]
        told = {each["path"]: each["leaves"] for each in less.account["minimised"]}
        assert (
            sum(each["leaves"] for each in less.account["minimised"]) == less.account["buckets"]["minimised"]
        )
        assert len(less.problems) <= len(whole.problems)
        done |= told.keys()
        output = b"".join(less.bundle()).decode() + json.dumps(less.account)
        for kept in secrets_of(spec, sample, profile):
            assert kept not in output, kept
    acting = {path for path, rule in spec.minimise[profile].rules.items() if rule.action != "keep"}
    assert acting - done == set(), "no sample shows what the profile does here"


@EVERY_PROFILE
def test_what_a_profile_leaves_holds_to_stix_and_is_closed(spec: Spec, profile: str) -> None:
    ours = Validator()
    schemas = {
        key: jsonschema_rs.validator_for(json.loads(schema_text(name)))
        for name, key in (("designation", DESIGNATION), ("source", SOURCE))
    }
    for sample in samples(spec):
        made = list(converted(spec, sample, profile).objects())
        assert {ref for item in made for ref in refs(item)} <= {item["id"] for item in made}
        for item in made:
            assert ours.findings(item, now=timestamps.parse("2030-01-01T00:00:00Z")) == []
            for key in schemas.keys() & item.get("extensions", {}).keys():
                assert [str(e) for e in schemas[key].iter_errors(item["extensions"][key])] == []


@pytest.mark.uncounted
@pytest.mark.parametrize(("spec", "profile"), CHANGING)
def test_mutation_is_seen_under_a_profile_or_is_minimised(spec: Spec, profile: str, tmp_path: Path) -> None:
    """R5's proof for a collection that minimises, on one sample: what is not seen was taken out."""
    changed = [s for s in samples(spec) if converted(spec, s, profile).account["buckets"]["minimised"]]
    sample = min(changed, key=lambda s: len(opened(spec, s).leaves()))
    report = opened(spec, sample)
    made = converted(spec, report.write(tmp_path), profile)
    entries = made.account["paths"]
    excused = {entry["path"] for entry in entries if entry["buckets"].keys() & {"minimised", "ignored"}}
    before, unseen = signature(made), set()
    for position, (path, value) in enumerate(report.leaves()):
        if path not in unseen and before == signature_after(
            spec, report.write(tmp_path, position, same_shape(value)), profile
        ):
            unseen.add(path)
    assert unseen - excused == set()


# --- the objects -------------------------------------------------------------------------------


@EVERY_SAMPLE
def test_every_object_holds_to_stix(spec: Spec, sample: Path) -> None:
    bundle = b"".join(made_of(spec.format, sample).bundle()).decode()
    result = validate_string(bundle, ValidationOptions(version="2.1"))
    assert result.is_valid, [str(error) for error in result.errors]
    ours = Validator()
    for made in objects_of(spec, sample):
        stix2.parse(made, version="2.1")
        assert ours.findings(made, now=timestamps.parse("2030-01-01T00:00:00Z")) == []


@EVERY_SAMPLE
def test_our_extensions_hold_to_their_schemas(spec: Spec, sample: Path) -> None:
    for name, key in (("designation", DESIGNATION), ("edition", EDITION), ("source", SOURCE)):
        validator = jsonschema_rs.validator_for(json.loads(schema_text(name)))
        for made in objects_of(spec, sample):
            if key in made.get("extensions", {}):
                assert [str(e) for e in validator.iter_errors(made["extensions"][key])] == []


@EVERY_SAMPLE
def test_bundle_is_closed(spec: Spec, sample: Path) -> None:
    objects = objects_of(spec, sample)
    ids = [made["id"] for made in objects]
    assert len(ids) == len(set(ids))
    extensions = {
        key
        for made in objects
        for key in made.get("extensions", {})
        if not made["type"].startswith("marking")
    }
    assert {ref for made in objects for ref in refs(made)} | extensions <= set(ids)


@EVERY_SAMPLE
def test_everything_is_marked_and_has_an_author(spec: Spec, sample: Path) -> None:
    for made in objects_of(spec, sample):
        if made["type"] != "marking-definition":
            own = TLP_2_IDS.values() if spec.markings.by else [TLP_2_IDS[spec.markings.tlp]]
            assert set(made["object_marking_refs"]) & {TLP_2_IDS["clear"], *own}
            assert "created_by_ref" in made or made["type"] == "identity" or ids.TYPES[made["type"]] == "sco"


@pytest.mark.parametrize(("spec", "sample"), CLEAN)
def test_ids_are_stable_when_records_are_shuffled(spec: Spec, sample: Path, tmp_path: Path) -> None:
    shuffled = opened(spec, sample).shuffle(tmp_path)
    assert {o["id"] for o in converted(spec, shuffled).objects()} == {
        o["id"] for o in objects_of(spec, sample)
    }


# --- detection and refusal ---------------------------------------------------------------------


@EVERY_SAMPLE
def test_is_claimed_by_its_mapping_alone(spec: Spec, sample: Path) -> None:
    found = verdicts(REGISTRY, sample, sample.name)
    assert [verdict.mapping.format for verdict in found if verdict.claimed] == [spec.format]
    assert all(verdict.reasons for verdict in found)


@pytest.mark.uncounted
@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(data=st.data())
def test_fuzzed_input_gives_problems_or_a_report_error_only(data: st.DataObject) -> None:
    spec, sample = data.draw(st.sampled_from(PAIRS))
    fuzzed = data.draw(st.sampled_from(sorted(sample.iterdir()))) if sample.is_dir() else sample
    content = bytearray(fuzzed.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        cut = data.draw(st.integers(0, 40))
        content[at : at + cut] = data.draw(
            st.one_of(
                st.binary(max_size=12),
                st.sampled_from(
                    [b"<", b">", b"&", b"</A>", b"<A b=''>", b"]]>", b"\x00", b'"', b",", b"[", b"}"]
                ),
            )
        )
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / sample.name
        if sample.is_dir():
            shutil.copytree(sample, path)
        (path / fuzzed.name if sample.is_dir() else path).write_bytes(content)
        with contextlib.suppress(ReportError):
            made = converted(spec, path)
            assert made.account["leaves"] == sum(made.account["buckets"].values())
            assert not [problem for problem in made.problems if problem.code == "mapping-code"]


# --- helpers -----------------------------------------------------------------------------------


def secrets_of(spec: Spec, sample: Path, profile: str) -> set[str]:
    """Texts that the profile takes out of the sample and that stand nowhere else in it."""
    rules = spec.minimise[profile].rules
    leaves = opened(spec, sample).leaves()
    acting = {p for p, rule in rules.items() if rule.action in {"drop", "pseudonymise"} and not rule.kinds}
    rest = "\n".join(value for path, value in leaves if path not in acting)
    return {
        value.strip()
        for path, value in leaves
        if path in acting and len(value) > 5 and value.strip() not in rest
    }


def by_rule(target: str) -> bool:
    return target.startswith(BY_RULE)


def same_shape(value: str) -> str:
    """Another well-formed value: other digits that still make a date, other letters."""
    if re.fullmatch(r"[12][0-9]{3}(-[0-9]{2}(-[0-9]{2}.*)?)?", value.strip(), re.DOTALL):
        return "1931" + value.strip()[4:]
    if re.search(r"[0-9]", value):
        return re.sub(r"[0-9]", lambda found: str((int(found[0]) + 7) % 10), value)
    return "Qx" + value.strip()[::-1]


class Noted(dict[str, Any]):
    """A lookup that knows which of its entries were asked for one by one."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        super().__init__(table)
        self.asked: set[str] = set()

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)


def signature_after(spec: Spec, changed: Path, profile: str | None = None) -> Signature | str:
    try:
        return signature(converted(spec, changed, profile))
    except ReportError as error:
        return str(error)


def signature(made: Conversion) -> Signature:
    """Everything that a reader of the result can see, except that the file's bytes are others, and
    where in it lines stand."""
    objects = []
    for item in made.objects():
        if EDITION in item.get("extensions", {}):
            del item["extensions"][EDITION]["source_sha256"]
            del item["id"]
        objects.append(json.dumps(item, sort_keys=True))
    problems = tuple((p.code, p.message, p.record, p.path, p.value) for p in made.problems)
    return tuple(sorted(objects)), problems, json.dumps(made.account["buckets"])


def refs(tree: Any, key: str = "") -> Iterator[str]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from refs(value, name)
    elif isinstance(tree, list):
        for value in tree:
            yield from refs(value, key)
    elif key.endswith(("_ref", "_refs")):
        yield tree
