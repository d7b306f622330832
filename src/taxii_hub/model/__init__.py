"""The hub's nouns: frozen dataclasses without behaviour.

Times are integer microseconds since the Unix epoch, UTC, unless a name says otherwise: BSON dates
hold milliseconds only, and a TAXII ``date_added`` has six digits.
"""

from taxii_hub.model.publishing import (
    Audience,
    EditionChanges,
    Outcome,
    Problem,
    Receipt,
    RecordChange,
    Severity,
    Status,
    Withdrawal,
)
from taxii_hub.model.reading import (
    Entry,
    ObjectQuery,
    Page,
    Policy,
    Reader,
    VersionFilter,
    VersionKeyword,
    Visibility,
)
from taxii_hub.model.releasing import Ended, Signature
from taxii_hub.model.sharing import (
    Access,
    Account,
    Agency,
    Agreement,
    ApiRoot,
    AuditMode,
    Catalog,
    ClientProfile,
    Collection,
    Granular,
    Group,
    Joining,
    Membership,
    Role,
    Unmarked,
    ValidationMode,
)

__all__ = [
    "Access",
    "Account",
    "Agency",
    "Agreement",
    "ApiRoot",
    "Audience",
    "AuditMode",
    "Catalog",
    "ClientProfile",
    "Collection",
    "EditionChanges",
    "Ended",
    "Entry",
    "Granular",
    "Group",
    "Joining",
    "Membership",
    "ObjectQuery",
    "Outcome",
    "Page",
    "Policy",
    "Problem",
    "Reader",
    "Receipt",
    "RecordChange",
    "Role",
    "Severity",
    "Signature",
    "Status",
    "Unmarked",
    "ValidationMode",
    "VersionFilter",
    "VersionKeyword",
    "Visibility",
    "Withdrawal",
]
