"""The record of processing activities of one agency, as far as the catalogue knows it (LED art. 24, GDPR art. 30)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from taxii_hub.model import Agency, Agreement, ApiRoot, Catalog, Collection, Membership


@dataclass(frozen=True, slots=True)
class Activity:
    """What an agency shares through one collection.

    ``recipients`` are (agency, title, country); ``abroad`` those countries that are not the controller's.
    ``purposes`` empty: the catalogue names none. ``safeguards`` are sentences.
    """

    collection: str
    title: str
    description: str
    purposes: tuple[str, ...]
    formats: tuple[str, ...]
    recipients: tuple[tuple[str, str, str], ...]
    abroad: tuple[str, ...]
    retention_days: int | None
    review_days: int | None
    agreements: tuple[str, ...]
    safeguards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """``version`` of the catalogue that it was made of; 0 for files that are not in force."""

    controller: str
    title: str
    country: str
    contact: str
    version: int
    digest: str
    activities: tuple[Activity, ...]


def record_of(catalog: Catalog, agency: Agency) -> Record:
    """Every collection that the agency publishes into."""
    agencies = {each.name: each for each in catalog.agencies}
    return Record(
        controller=agency.name,
        title=agency.title,
        country=agency.country,
        contact=agency.contact or "",
        version=catalog.version,
        digest=catalog.digest,
        activities=tuple(
            _activity(root, collection, agency, agencies)
            for root in catalog.api_roots
            for collection in root.collections
            if collection.view_of is None and agency.name in collection.write
        ),
    )


def markdown(record: Record) -> str:
    """For a person, and for the file that a supervisory authority asks for."""
    lines = [
        f"# Record of processing: {record.title}",
        "",
        f"Controller: {record.title} ({record.controller}, {record.country}); contact: {record.contact or 'not named'}.",
        f"Made from version {record.version} of the hub's catalogue, digest `{record.digest or 'of files'}`.",
    ]
    for each in record.activities:
        lines += ["", *_section(each)]
    if not record.activities:
        lines += ["", "The agency publishes into no collection."]
    return "\n".join(lines) + "\n"


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _section(each: Activity) -> Iterator[str]:
    yield f"## {each.title} (`{each.collection}`)"
    yield ""
    if each.description:
        yield each.description
        yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| purposes | {_list(each.purposes, 'none named in the catalogue')} |"
    yield f"| categories of data | objects of STIX 2.1; reports of the formats {_list(each.formats, 'none')} |"
    yield (
        "| categories of persons | told apart, and facts from assessments, as far as reports and publishers do: "
        "`person_categories` and `fact_or_assessment` in the designation extension of an identity |"
    )
    recipients = [f"{title} ({name}, {country})" for name, title, country in each.recipients]
    yield f"| recipients | {_list(recipients, 'none')} |"
    yield f"| recipients abroad | {_list(each.abroad, 'none')} |"
    kept = "without end" if each.retention_days is None else f"{_days(each.retention_days)} after publication"
    yield f"| kept | {kept} |"
    looked = "not asked for" if each.review_days is None else f"every {_days(each.review_days)}"
    yield f"| review | {looked} |"
    yield f"| agreements | {_list(each.agreements, 'none named in the catalogue')} |"
    yield f"| safeguards | {_list(each.safeguards, 'none')} |"


def _activity(root: ApiRoot, collection: Collection, agency: Agency, agencies: dict[str, Agency]) -> Activity:
    mine = next((each for each in root.memberships if each.agency == agency.name), Membership(agency.name))
    readers = [agencies[name] for name in sorted(collection.read - {agency.name}) if name in agencies]
    agreements = [each for each in (root.agreement, mine.agreement) if each is not None]
    named = frozenset().union(*(each.purposes for each in agreements))
    return Activity(
        collection=f"{root.path}/{collection.alias}",
        title=f"{root.title}: {collection.title}",
        description=collection.description or root.description or "",
        purposes=tuple(sorted(mine.purposes | named)),
        formats=tuple(sorted(collection.accepts)),
        recipients=tuple((each.name, each.title, each.country) for each in readers),
        abroad=tuple(sorted({each.country for each in readers} - {agency.country})),
        retention_days=collection.retention_days,
        review_days=collection.review_days,
        agreements=tuple(_agreement(each) for each in agreements),
        safeguards=tuple(_safeguards(collection)),
    )


def _agreement(each: Agreement) -> str:
    since = f" from {each.since}" if each.since else ""
    until = f" until {each.until}" if each.until else ""
    review = f", to be looked at by {each.review}" if each.review else ""
    return f"{each.title} ({each.reference}){since}{until}{review}"


def _safeguards(collection: Collection) -> Iterator[str]:
    yield f"an unmarked object {'is refused' if collection.unmarked == 'refuse' else f'counts as {collection.default_marking}'}"
    if collection.hold != "never":
        yield f"{collection.hold} held for release by {collection.signatures} liaison officer(s)"
    if collection.minimise is not None:
        yield f"reports are minimised by the profile {collection.minimise}"
    if collection.granular == "tear-line":
        yield "parts that are marked more narrowly are left out for who may not read them"
    yield "every page that is read is in the audit log" + (
        " before it is answered" if collection.audit == "before-answer" else ""
    )


def _list(words: tuple[str, ...] | list[str], none: str) -> str:
    return "; ".join(words).replace("|", "\\|") or none
