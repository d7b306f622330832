"""The hub's one exception tree.

Every error the hub raises on purpose is a :class:`HubError`. It says *what* went wrong in words for
the person who can mend it; it never carries an HTTP status (``web/errors.py`` maps ``code`` to one)
nor anything internal.

    HubError
    ├── BadRequestError          bad-request             the request itself is wrong
    │   ├── BadParameterError    bad-parameter           a query parameter; names it
    │   ├── BadCursorError       bad-cursor              a `next` that was not made here, or is too old
    │   └── BadEnvelopeError     bad-envelope            a body that is no envelope
    ├── NotAcceptableError       not-acceptable          Accept names nothing the hub speaks
    ├── UnsupportedMediaError    unsupported-media-type  Content-Type of a POST
    ├── TooLargeError            too-large               body above max_content_length
    ├── SlowBodyError            slow-body               body that does not arrive in time
    ├── NotConvertibleError      not-convertible         an uploaded report that gives nothing
    ├── UnauthorizedError        unauthorized            no or wrong credentials
    ├── TooManyFailuresError     too-many-failures       wrong credentials too often; retry_after
    ├── TooManyRequestsError     too-many-requests       asked for more than may be done at a time; retry_after
    ├── ForbiddenError           forbidden               visible, but not allowed
    ├── NotFoundError            not-found               absent, or not to be known of
    ├── UnavailableError         unavailable             the database is away; retry_after
    │   └── DamagedLogError      damaged-log             the audit log is not as it was written
    ├── CatalogError             catalog                 collections/*.yaml; file, line, key
    ├── SettingsError            settings                environment or secrets
    ├── StoreError               store                   the database cannot be used as it is
    │   └── SchemaVersionError   schema-version          made by a newer hub, or to be migrated
    ├── MappingError             mapping                 a mapping module is wrong; file, key
    └── ReportError              report                  a report file that cannot be converted
        ├── UnknownFormatError   unknown-format          no mapping claims the file
        ├── RecordError          record                  one record cannot be converted; the others can
        └── BadValueError        bad-value               a field's text is not what it should be; remedy
"""

from __future__ import annotations

from typing import ClassVar


class HubError(Exception):
    """Root of the tree; ``str(error)`` is a sentence for the person who can mend it."""

    code: ClassVar[str] = "hub"


class BadRequestError(HubError):
    """The request itself is wrong; repeating it unchanged is useless."""

    code = "bad-request"


class BadParameterError(BadRequestError):
    """A query parameter cannot be understood."""

    code = "bad-parameter"

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter


class BadCursorError(BadRequestError):
    """A ``next`` value that this hub did not make, or made with a key retired since."""

    code = "bad-cursor"


class BadEnvelopeError(BadRequestError):
    """The body is not a TAXII envelope (nor a STIX bundle)."""

    code = "bad-envelope"


class NotAcceptableError(HubError):
    """The Accept header names no media type the hub can answer with."""

    code = "not-acceptable"


class UnsupportedMediaError(HubError):
    """The Content-Type or Content-Encoding of a body is not one the hub reads."""

    code = "unsupported-media-type"


class TooLargeError(HubError):
    """A body is larger than the API root's ``max_content_length``."""

    code = "too-large"


class SlowBodyError(HubError):
    """A body did not arrive within the time a body may take."""

    code = "slow-body"


class NotConvertibleError(HubError):
    """An uploaded report cannot be converted; the message says why and where."""

    code = "not-convertible"


class UnauthorizedError(HubError):
    """No credentials, or credentials that are not valid (now)."""

    code = "unauthorized"


class TooManyFailuresError(HubError):
    """Wrong credentials too often for this account from this source."""

    code = "too-many-failures"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyRequestsError(HubError):
    """An account asked for releases more often than it may, or for one conversion beside too many others."""

    code = "too-many-requests"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ForbiddenError(HubError):
    """The caller may know of the thing, but may not do this with it."""

    code = "forbidden"


class NotFoundError(HubError):
    """The thing does not exist, or the caller may not know that it does."""

    code = "not-found"


class UnavailableError(HubError):
    """The database cannot be used right now; nothing was acknowledged."""

    code = "unavailable"

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DamagedLogError(UnavailableError):
    """Something of the audit log is not as it was written, so what was asked of it cannot be answered."""

    code = "damaged-log"

    def __init__(self, message: str | None = None) -> None:
        """Which row it is, the verification tells: to those who may see all of them."""
        ours = (
            "the audit log is damaged: something in it is not as it was written, so this cannot be answered"
            " from it. `taxii-hub audit verify` names what was changed; docs/audit.md says what to do then"
        )
        super().__init__(message or ours, retry_after=3600)


class CatalogError(HubError):
    """``collections/*.yaml`` is wrong; the message holds file, line, key and what to do."""

    code = "catalog"


class SettingsError(HubError):
    """An environment setting or a secrets file is wrong."""

    code = "settings"


class StoreError(HubError):
    """The database cannot be used as it is (topology, durability, lock, missing engine)."""

    code = "store"


class SchemaVersionError(StoreError):
    """The database was made by a newer hub, or has to be migrated first."""

    code = "schema-version"


class MappingError(HubError):
    """A mapping module is wrong; the message holds file and key."""

    code = "mapping"


class ReportError(HubError):
    """A report file cannot be converted at all."""

    code = "report"


class UnknownFormatError(ReportError):
    """No mapping claims the file."""

    code = "unknown-format"


class RecordError(ReportError):
    """One record cannot be converted; the others of the report go on."""

    code = "record"

    def __init__(self, message: str, remedy: str, leaf: int | None = None) -> None:
        """``leaf``: the position of the record's value that is at fault, where it is one."""
        super().__init__(message)
        self.remedy = remedy
        self.leaf = leaf


class BadValueError(ReportError):
    """The text of a field is not what the format promises; the record goes on without it."""

    code = "bad-value"

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy
