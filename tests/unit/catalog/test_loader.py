"""Reading a catalogue: what is right, and every kind of wrong with its file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from taxii_hub.catalog.loader import load_catalog, read_texts
from taxii_hub.catalog.located import sentence
from taxii_hub.catalog.lookup import find_agency, find_api_root, find_collection
from taxii_hub.errors import CatalogError
from taxii_hub.model import Catalog

KNOWN = frozenset({"some_list_xml"})
SHIPPED = Path(__file__).resolve().parents[3] / "collections"


def good(files: dict[str, bytes]) -> Catalog:
    catalog, problems = read_texts(files, KNOWN)
    assert problems == ()
    assert catalog is not None
    return catalog


def test_every_key_is_read(files):
    catalog = good(files)
    alpha = find_api_root(catalog, "alpha")
    assert alpha is not None
    assert (alpha.title, alpha.description) == ("Alpha exchange", "Two lines become one.")
    assert alpha.members == {"us-kite", "gb-heron"}
    assert alpha.max_content_length == 2048
    reports = find_collection(alpha, "reports")
    assert reports is not None
    assert (reports.read, reports.write) == ({"gb-heron"}, {"us-kite", "gb-heron"})
    assert (reports.validation, reports.retired, reports.media_types) == (
        "off",
        True,
        ("application/stix+json",),
    )
    wanted = find_collection(alpha, "8F1C2F7E-0c55-4b8e-9d0a-111111111111")
    assert wanted is not None
    assert (wanted.validation, wanted.retired) == ("strict", False)
    assert wanted.media_types == ("application/stix+json;version=2.1",)
    assert (wanted.default_marking, wanted.accepts, wanted.api_root) == ("green", ("some_list_xml",), "alpha")
    heron = find_agency(catalog, "gb-heron")
    assert heron is not None
    assert heron.identity == "identity--0b5b1d5e-54b8-4a1b-9f0e-5a4d1c2b3a49"
    assert find_api_root(catalog, "gamma") is None
    assert find_collection(alpha, "nothing") is None
    assert find_agency(catalog, "nobody") is None


def test_defaults(files):
    beta = find_api_root(good(files), "beta")
    assert beta is not None
    assert (beta.max_content_length, beta.was, beta.description) == (33_554_432, None, None)
    assert (beta.collections[0].default_marking, beta.collections[0].accepts) == ("amber", ())


def test_collections_are_ordered_by_id(files):
    """T-5.1-02."""
    for root in good(files).api_roots:
        ids = [collection.id for collection in root.collections]
        assert ids == sorted(ids)


def test_without_known_mappings_accepts_is_not_checked(files):
    assert read_texts(files, None)[1] == ()


def test_a_folder_is_read(tmp_path, files):
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / ".hidden.yaml").write_text("{")
    (tmp_path / "README.md").write_text("words")
    assert load_catalog(tmp_path, KNOWN) == good(files)


def test_folders_without_a_catalogue(tmp_path):
    with pytest.raises(CatalogError, match="holds no YAML file"):
        load_catalog(tmp_path)
    with pytest.raises(CatalogError, match="cannot be read"):
        load_catalog(tmp_path / "absent")


def test_every_problem_is_told_at_once(tmp_path, files):
    files["alpha.yaml"] = (
        files["alpha.yaml"].replace(b"alias: wanted", b"alais: wanted").replace(b"read: [gb", b"read: [fb")
    )
    files["beta.yaml"] = files["beta.yaml"].replace(b"title: Beta exchange\n", b"")
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(CatalogError) as raised:
        load_catalog(tmp_path, KNOWN)
    lines = str(raised.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "alpha.yaml:10",
        "alpha.yaml:11",
        "alpha.yaml:21",
        "beta.yaml:1",
    ]
    assert lines[1] == (
        "alpha.yaml:11: collections[0].alais: there is no such key; use one of id, alias, title, description, "
        "read, write, media_types, validation, default_marking, unmarked, granular, hold, signatures, "
        "release_within_hours, retention_days, review_days, tlp1_twin, accepts, audit, minimise, retired, view_of, types"
    )
    assert lines[2].startswith("alpha.yaml:21: collections[1].read: there is no agency 'fb-heron'; ")


A, B, M = "alpha.yaml", "beta.yaml", "agencies.yaml"
ID = "collections[0].id"

WRONG = [
    # file, text, replaced by, line, key, words
    (A, "title: Alpha exchange", "titel: Alpha exchange", 1, "titel", "there is no such key"),
    (A, "title: Alpha exchange", "title: [Alpha]", 1, "title", "is not text"),
    (A, "title: Alpha exchange", "title: 2024", 1, "title", "'2024' is not text to YAML; put it in quotes"),
    (A, "title: Alpha exchange", "title:", 1, "title", "is empty"),
    (A, "title: Alpha exchange", f"title: {'x' * 201}", 1, "title", "does not fit"),
    (A, "title: Alpha exchange", "title: Beta exchange", 1, "title", None),
    (A, "title: Alpha exchange", "title: Alpha exchange\ntitle: Again", 2, "title", "twice (also in line 1)"),
    (A, "title: Alpha exchange", "title: Alpha exchange\n7: x", 2, "", "a key is not text"),
    (A, "title: Alpha exchange", "title: Alpha exchange\nwas: beta", 2, "was", "/beta/ is there still"),
    (A, "  - gb-heron", "  - fr-none", 7, "members", "there is no agency 'fr-none'"),
    (A, "  - gb-heron", "  - us-kite", 7, "members", "'us-kite' stands there twice"),
    (A, "2048", "2_048", 8, "max_content_length", "is no number in range"),
    (A, "2048", "12", 8, "max_content_length", "is no number in range"),
    (A, "2048", "many", 8, "max_content_length", "is no number in range"),
    (A, "8f1c2f7e-0c55-4b8e", "8f1c2f7e-0c55-1b8e", 10, ID, "must be a UUID of version 4"),
    (A, "8f1c2f7e-0c55-4b8e", "8F1C2f7e-0c55-4b8e", 10, ID, "in lower case"),
    (B, "2f1c2f7e-0c55-4b8e-9d0a-333333333333", "8f1c2f7e-0c55-4b8e-9d0a-111111111111", 5, ID, "stands in alpha.yaml:10 already"),
    (A, "alias: reports", "alias: wanted", 18, "collections[1].alias", "stands in alpha.yaml:11 already; give each its own alias"),
    (A, "alias: wanted", "alias: Most Wanted", 11, "collections[0].alias", "lower-case"),
    (A, "alias: wanted", "alias: 8f1c2f7e-0c55-1b8e-9d0a-111111111111", 11, "collections[0].alias", "no UUID"),
    (A, "title: Alpha reports", "title: ALPHA Wanted", 19, "collections[1].title", "stands in alpha.yaml:12 already"),
    (A, "title: Alpha wanted", "title: Wanted v2.1", 12, "collections[0].title", 'without "." and ","'),
    (A, "title: Alpha wanted", "title: Wanted, dead", 12, "collections[0].title", 'without "." and ","'),
    (A, "    title: Alpha wanted\n", "", 10, "collections[0].title", "is missing"),
    (A, "    write: [us-kite]\n", "", 10, "collections[0].write", "is missing; say who may"),
    (A, "write: [us-kite]", "write: [us-kyte]", 14, "collections[0].write", "there is no agency 'us-kyte'"),
    (A, "write: [us-kite]", "write: [nz-kea]", 14, "collections[0].write", "'nz-kea' is no member of this API root"),
    (A, "write: [us-kite]", "write: [us-kite, 7]", 14, "collections[0].write", "put it in quotes"),
    (A, "[application/stix+json]", "[application/xml]", 23, "collections[1].media_types", "does not fit"),
    (A, 'validation: "off"', "validation: off", 24, "collections[1].validation", "use one of strict, report, off"),
    (A, 'validation: "off"', "validation: lax", 24, "collections[1].validation", "'lax' is not possible"),
    (A, "default_marking: green", "default_marking: secret", 15, "collections[0].default_marking", "use one of clear"),
    (A, "[some_list_xml]", "[no_list_xml]", 16, "collections[0].accepts", "there is no mapping 'no_list_xml'"),
    (A, "accepts: [some_list_xml]", "minimise: coarse", 16, "collections[0].minimise", "it accepts none"),
    (A, "accepts: [some_list_xml]", "minimise: Very coarse", 16, "collections[0].minimise", "the name of a minimisation profile"),
    (A, "retired: true", "retired: gone", 25, "collections[1].retired", "neither true nor false"),
    (B, "    read: members\n    write: members", "    read: []\n    write: []", 5, "collections[0]", "nobody may read or write"),
    (B, "members: [nz-kea]", "members: []", 3, "members", "no members"),
    (B, "members: [nz-kea]\n", "", 1, "members", "no members"),
    (B, "contact: desk@beta.example", "contact: &anchor desk", 2, "", "anchor or alias"),
    (B, "contact: desk@beta.example", "contact: *anchor", 2, "", "anchor or alias"),
    (B, "contact: desk@beta.example", "contact: !!python/name:os.system x", 2, "", "a tag"),
    (B, "contact: desk@beta.example", "contact: [[[[[[[[[]]]]]]]]]", 2, "", "nested too deeply"),
    (B, "contact: desk@beta.example", "contact: {", 4, "", "no valid YAML"),
    (B, "contact: desk@beta.example", "---\ncontact: x", 2, "", "no valid YAML"),
    (B, "contact: desk@beta.example", "contact: \x07", None, "", "no valid YAML"),
    (M, 'country: "US"', "country: USA", 4, "agencies.us-kite.country", "two capital letters"),
    (M, 'country: "US"', "country: NO", 4, "agencies.us-kite.country", "'NO' is not text to YAML"),
    (M, 'country: "US"', 'country: "US"\n    key: 1', 5, "agencies.us-kite.key", "there is no such key"),
    (M, "identity--0b5b", "identity-0b5b", 9, "agencies.gb-heron.identity", "the STIX id of an identity"),
    (M, '  nz-kea:\n    title: Kea Register\n    country: "NZ"\n', "  nz-kea: 1\n", 10, "agencies.nz-kea", "is no mapping"),
    (M, "  us-kite:", "  members:", 2, "agencies.members", "'members' cannot name an agency"),
    (M, "  us-kite:", "  us_kite:", 2, "agencies.us_kite", "cannot name an agency"),
    (M, "agencies:", "agency:", 1, "agency", "there is no such key"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "text", "instead", "line", "key", "words"), WRONG)
def test_what_is_wrong_is_located(files, file, text, instead, line, key, words):
    assert text in files[file].decode()
    files[file] = files[file].decode().replace(text, instead, 1).encode()
    catalog, problems = read_texts(files, KNOWN)
    assert catalog is None
    if words is None:  # seen at the second of the two files
        file, line, words = B, 1, "'Beta exchange' stands in alpha.yaml:1 already; give each its own title"
    place = f"{file}:{line}: " if line else f"{file}: "
    start = place + (f"{key}: " if key else "")
    told = [sentence(problem) for problem in problems]
    assert [each for each in told if each.startswith(start) and words in each], told


def test_the_same_identity_twice(files):
    files[M] += b"    identity: identity--0b5b1d5e-54b8-4a1b-9f0e-5a4d1c2b3a49\n"
    _, problems = read_texts(files, KNOWN)
    assert [(p.line, p.path, p.message) for p in problems] == [
        (10, "agencies.nz-kea", "its identity is that of gb-heron already")
    ]


def test_the_same_was_twice(files):
    for name in (A, B):
        files[name] = b"was: gamma\n" + files[name]
    _, problems = read_texts(files, KNOWN)
    assert [(p.source, p.line, p.message) for p in problems] == [
        (B, 1, "'gamma' stands in alpha.yaml:1 already")
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("alpha.yml", "does not end in .yaml"),
        ("al_pha.yaml", "the file's name is the API root's path"),
        ("taxii2.yaml", "is a path of the hub itself"),
    ],
)
def test_names_of_files(files, name, words):
    files[name] = files.pop(A)
    _, problems = read_texts(files, KNOWN)
    assert [(p.source, p.line) for p in problems if words in p.message] == [(name, None)]


def test_files_that_cannot_be_read_at_all(files):
    files |= {A: b"title: \xff", B: b"- 1\n", M: b"#" * 1_000_001}
    _, problems = read_texts(files, KNOWN)
    assert [(p.source, p.line, p.message) for p in problems] == [
        (M, None, "larger than 1,000,000 bytes"),
        (A, 1, "not UTF-8"),
        (B, 1, "holds no keys"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [("collections: {}\n", "is no list"), ("collections: []\n", "is no list"), ("collections: [x]\n", "is no collection"), ("", "is missing")],
)  # fmt: skip
def test_collections_must_be_a_list(files, text, words):
    files[B] = files[B].split(b"collections:")[0] + text.encode()
    _, problems = read_texts(files, KNOWN)
    assert any(words in problem.message for problem in problems)


def test_agencies_and_api_roots_must_be_there(files):
    assert [p.message for p in read_texts({M: files[M]}, KNOWN)[1]] == ["no API root stands beside it"]
    _, problems = read_texts({B: files[B]}, KNOWN)
    assert ("agencies.yaml", "is missing") in [(p.source, p.message) for p in problems]
    _, problems = read_texts(files | {M: b"agencies: 1\n"}, KNOWN)
    assert ("agencies", "is no mapping") in [(p.path, p.message) for p in problems]


def test_the_shipped_catalogue():
    mappings = frozenset(path.parent.name for path in (SHIPPED.parent / "mappings").glob("*/mapping.yaml"))
    catalog = load_catalog(SHIPPED, mappings)
    paths = [root.path for root in catalog.api_roots]
    assert paths == ["europol", "five-eyes", "g7", "interpol", "sandbox", "un-gcts"]
    sandbox = find_api_root(catalog, "sandbox")
    assert sandbox is not None
    (scratch,) = sandbox.collections
    assert (scratch.alias, scratch.validation) == ("scratch", "strict")
    assert scratch.read == scratch.write == sandbox.members
    designations = find_collection(catalog.api_roots[-1], "designations")
    assert designations is not None
    assert designations.accepts == ("un_sc_consolidated_xml",)
    for agency in catalog.agencies:
        assert "invented" in agency.title
        assert agency.identity is not None


VIEW = """
  - {id: 5f1c2f7e-0c55-4b8e-9d0a-999999999999, alias: %s, title: A view, read: [%s], view_of: %s, types: [indicator]%s}
"""


@pytest.mark.parametrize(
    ("alias", "read", "source", "more", "words"),
    [
        ("view", "gb-heron", "nowhere", "", "no collection of this API root"),
        ("view", "gb-heron", "view", "", "is a view itself"),
        ("view", "us-kite", "reports", "", "us-kite may not read reports"),
        ("view", "gb-heron", "reports", ", write: [gb-heron]", "it is read-only"),
    ],
)
def test_a_view_shows_no_more_than_its_source(files, alias, read, source, more, words):
    files["alpha.yaml"] += (VIEW % (alias, read, source, more)).encode()
    catalog, problems = read_texts(files, KNOWN)
    assert catalog is None
    assert [words in sentence(problem) for problem in problems] == [True]


def test_a_view_is_read(files):
    files["alpha.yaml"] += (VIEW % ("view", "gb-heron", "reports", "")).encode()
    alpha = find_api_root(good(files), "alpha")
    assert alpha is not None
    view = find_collection(alpha, "view")
    assert view is not None
    assert (view.view_of, view.types, view.write) == ("reports", ("indicator",), frozenset())
