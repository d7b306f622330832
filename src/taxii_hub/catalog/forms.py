"""What the texts of a catalogue must look like, and the keys each part knows."""

from __future__ import annotations

from taxii_hub.catalog.section import Form

AGENCIES_FILE = "agencies.yaml"
GROUPS_FILE = "groups.yaml"
MEMBERS = "members"

ROOT_KEYS = (
    "title",
    "description",
    "contact",
    "agreement",
    "members",
    "max_content_length",
    "was",
    "collections",
)
MEMBER_KEYS = ("agency", "level", "clearances", "purposes", "agreement", "joining")
AGREEMENT_KEYS = ("title", "reference", "from", "until", "purposes", "review")
GROUP_KEYS = ("title", "members")
GROUP_MEMBER_KEYS = ("name", "from", "until")
COLLECTION_KEYS = (
    "id",
    "alias",
    "title",
    "description",
    "read",
    "write",
    "media_types",
    "validation",
    "default_marking",
    "unmarked",
    "granular",
    "hold",
    "signatures",
    "release_within_hours",
    "retention_days",
    "review_days",
    "tlp1_twin",
    "accepts",
    "audit",
    "minimise",
    "retired",
    "view_of",
    "types",
)
NOT_OF_A_VIEW = (
    "write",
    "validation",
    "default_marking",
    "unmarked",
    "granular",
    "hold",
    "signatures",
    "release_within_hours",
    "retention_days",
    "review_days",
    "tlp1_twin",
    "accepts",
    "minimise",
)
AGENCY_KEYS = ("title", "country", "contact", "identity")

RESERVED_PATHS = frozenset({"taxii2", "api", "health", "metrics", "console", "static", "docs"})
AUDIT = ("queued", "before-answer")
VALIDATION = ("strict", "report", "off")
LEVELS = ("unclassified", "restricted", "confidential", "secret", "top-secret")
HOLD = ("never", "always", *(f"above-{level}" for level in LEVELS[:-1]))
JOINING = ("from-now", "history")
UNMARKED = ("accept", "refuse")
GRANULAR = ("withhold", "tear-line")
MARKINGS = ("clear", "green", "amber", "amber+strict", "red")
STIX_21 = "application/stix+json;version=2.1"
MEDIA_TYPES = (STIX_21, "application/stix+json")
DEFAULT_LENGTH = 33_554_432
LENGTH_BOUNDS = (1024, 268_435_456)
SIGNATURES = (0, 2)
DEFAULT_HOURS = 72
HOURS = (1, 8760)
DAYS = (1, 36_500)

_UUID4 = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_ANY_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAME = "[a-z0-9]+(-[a-z0-9]+)*"

NAME = Form("lower-case letters, digits and single hyphens, at most 64 of them, such as us-kite", _NAME, 64)
# An alias stands where an id may stand in a URL, so it must never be taken for one.
ALIAS = Form(
    "lower-case letters, digits and single hyphens, at most 64 of them, and no UUID",
    f"(?!{_ANY_UUID}$){_NAME}",
    64,
)
UUID4 = Form("a UUID of version 4 in lower case; `taxii-hub collections new` writes one", _UUID4, 36)
# Clients choose collections by title: OpenCTI cuts at ",", XSOAR at ".".
TITLE = Form('one line without "." and ",", at most 100 characters', r"[^.,\x00-\x1f\x7f]+", 100)
COUNTRY = Form(
    "two capital letters of ISO 3166-1 (UN, EU and XA to XZ count too), in quotes if need be", "[A-Z]{2}"
)
MEDIA_TYPE = Form(f"one of {', '.join(MEDIA_TYPES)}", r"application/stix\+json(;version=2\.1)?")
PURPOSE = Form("a word for a purpose, lower-case letters, digits and single hyphens, such as ct", _NAME, 64)
CLEARANCE = Form(
    "the name of a compartment: letters, digits, space, hyphen, underscore, such as SI",
    "[A-Za-z0-9](?:[A-Za-z0-9 _-]*[A-Za-z0-9])?",
    64,
)
GROUP = Form("capital letters, digits, hyphens, such as FVEY", "[A-Z][A-Z0-9]*(-[A-Z0-9]+)*", 32)
GROUP_MEMBER = Form("a country in two capital letters (ISO 3166-1), or an agency", f"[A-Z]{{2}}|{_NAME}", 64)
IDENTITY = Form(
    "the STIX id of an identity object, such as identity--<UUID>",
    "identity--[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
)
PROFILE = Form(
    "the name of a minimisation profile of the mappings under accepts", "[a-z0-9]+([_-][a-z0-9]+)*", 64
)
STIX_TYPE = Form("a STIX object type such as indicator", "[a-z][a-z0-9-]{2,249}", 250)
