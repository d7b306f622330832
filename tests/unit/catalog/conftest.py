"""A small catalogue of two API roots, as text that each test may spoil."""

from __future__ import annotations

import pytest

AGENCIES = """\
agencies:
  us-kite:
    title: Kite Center
    country: "US"
  gb-heron:
    title: Heron Office
    country: "GB"
    contact: watch@gb-heron.example
    identity: identity--0b5b1d5e-54b8-4a1b-9f0e-5a4d1c2b3a49
  nz-kea:
    title: Kea Register
    country: "NZ"
"""

ALPHA = """\
title: Alpha exchange
description: >-
  Two lines
  become one.
members:
  - us-kite
  - gb-heron
max_content_length: 2048
collections:
  - id: 8f1c2f7e-0c55-4b8e-9d0a-111111111111
    alias: wanted
    title: Alpha wanted
    read: members
    write: [us-kite]
    default_marking: green
    accepts: [some_list_xml]
  - id: 1f1c2f7e-0c55-4b8e-9d0a-222222222222
    alias: reports
    title: Alpha reports
    description: Reports
    read: [gb-heron]
    write: members
    media_types: [application/stix+json]
    validation: "off"
    retired: true
"""

BETA = """\
title: Beta exchange
contact: desk@beta.example
members: [nz-kea]
collections:
  - id: 2f1c2f7e-0c55-4b8e-9d0a-333333333333
    alias: wanted
    title: Alpha wanted
    read: members
    write: members
"""


@pytest.fixture
def files() -> dict[str, bytes]:
    texts = {"agencies.yaml": AGENCIES, "alpha.yaml": ALPHA, "beta.yaml": BETA}
    return {name: text.encode() for name, text in texts.items()}
