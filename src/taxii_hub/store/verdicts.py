"""What a status says of an object that waits for release, and of what was published beside one."""

from __future__ import annotations

from dataclasses import replace

from taxii_hub.model import Outcome
from taxii_hub.stix import timestamps
from taxii_hub.store.base import Offer, Proposal


def with_note(outcome: Outcome, note: str | None) -> Outcome:
    """The outcome with one thing more to say."""
    said = [text for text in (outcome.message, note) if text]
    return replace(outcome, message="; ".join(said) or None)


def waits_already(offer: Offer, waiting: Proposal) -> Outcome:
    """What is offered waits already, or something else under its id and version does."""
    if waiting.offer is not None and waiting.offer.digest == offer.digest:
        return waits(offer, waiting)
    return Outcome(
        offer.id,
        offer.version_text,
        ok=False,
        message="another content of this id and version waits for release; have it refused or withdraw it, or "
        "publish the change as a new version (a later 'modified').",
    )


def waits(offer: Offer, proposal: Proposal) -> Outcome:
    """It waits from now on."""
    words = (
        f"waits for release by {_officers(proposal.signatures)} of {proposal.agency} until "
        f"{timestamps.format(proposal.due)}, as {proposal.id}"
    )
    return Outcome(offer.id, offer.version_text, ok=True, message=words, pending=proposal.id)


def _officers(signatures: int) -> str:
    return "a liaison officer" if signatures == 1 else f"{signatures} liaison officers"
