"""What the texts of a catalogue must look like, and the keys each part knows."""

from __future__ import annotations

from taxii_hub.catalog.section import Form

AGENCIES_FILE = "agencies.yaml"
MEMBERS = "members"

ROOT_KEYS = ("title", "description", "contact", "members", "max_content_length", "was", "collections")
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
    "accepts",
    "minimise",
    "retired",
    "view_of",
    "types",
)
NOT_OF_A_VIEW = ("write", "validation", "default_marking", "accepts", "minimise")
AGENCY_KEYS = ("title", "country", "contact", "identity")

RESERVED_PATHS = frozenset({"taxii2", "api", "health", "metrics", "console", "static", "docs"})
VALIDATION = ("strict", "report", "off")
MARKINGS = ("clear", "green", "amber", "amber+strict", "red")
STIX_21 = "application/stix+json;version=2.1"
MEDIA_TYPES = (STIX_21, "application/stix+json")
DEFAULT_LENGTH = 33_554_432
LENGTH_BOUNDS = (1024, 268_435_456)

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
IDENTITY = Form(
    "the STIX id of an identity object, such as identity--<UUID>",
    "identity--[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
)
PROFILE = Form(
    "the name of a minimisation profile of the mappings under accepts", "[a-z0-9]+([_-][a-z0-9]+)*", 64
)
STIX_TYPE = Form("a STIX object type such as indicator", "[a-z][a-z0-9-]{2,249}", 250)
