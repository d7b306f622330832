"""The state of one conversion: records go in one after the other, the result comes out at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from taxii_hub.errors import BadValueError, RecordError, ReportError
from taxii_hub.mapping.accounting import Account, Fates, Problems, Use
from taxii_hub.mapping.adopt import adopt
from taxii_hub.mapping.cleaners import edition_moment
from taxii_hub.mapping.edition import opening, report, stub
from taxii_hub.mapping.emit import Emitter, Frame, Mention, Output, Place, relationship
from taxii_hub.mapping.expressions import plain
from taxii_hub.mapping.handling import definitions, marked, strictest, unknown
from taxii_hub.mapping.order import Order, Result
from taxii_hub.mapping.paths import Paths
from taxii_hub.mapping.record import Leaf, Record
from taxii_hub.mapping.shared import Shared
from taxii_hub.mapping.spec import LeaveOut, OtherList, Spec
from taxii_hub.mapping.tables import build, settle, unlisted
from taxii_hub.mapping.view import Fault, Reading, View
from taxii_hub.model import Problem

# What wrong code in a hook can raise: it costs its record, not the report.
_FAULTS_OF_CODE: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_SHOWN: Final = 120
BY_RULE: Final = "rule "
"""How the account's target of a leaf begins whose record a rule leaves out."""


REPEATED: Final = f"{BY_RULE}repeated: The file says the same of the same record once more."


class Run:
    """``head`` is the reader's first record: what stands before all others. Raises ReportError where
    the edition cannot be told."""

    def __init__(
        self, spec: Spec, order: Order, head: Record, files: Mapping[str, str] | None = None
    ) -> None:
        self._spec, self._order = spec, order
        self._problems = Problems(order.name)
        self._account, self._output, self._places = Account(), Output(), Place("")
        self._paths = Paths(spec)
        self._mentions: list[tuple[str, Mention]] = []
        self._frames: dict[str, Frame] = {}
        self._named: set[str] = set()
        self._keys: dict[str, tuple[str, int | None, int]] = {}
        self._residual: list[dict[str, str]] = []
        self._records = 0
        self._made: dict[str, list[str]] = {}
        self._left_out = dict.fromkeys((rule.name for rule in spec.leave_out), 0)
        self._failed: list[str | None] = []
        self._at: str | None = None
        self._list = self._source_list(head)
        told = spec.editions.whole_if
        self._whole = spec.editions.whole and (
            told is None
            or any(leaf.pattern == told[0] and leaf.value.strip() == told[1] for leaf in head.leaves)
        )
        self._files = files or {}
        self._shared = Shared(spec.shared)
        self._counted: tuple[Record, int] | None = None
        self._frame = self._open(head)
        self._around = len(self._output)
        self._outside(head)

    def _open(self, head: Record) -> Frame:
        made = opening(self._spec, self._order.namespace, self._edition(head))
        for item in made.objects:
            self._output.add(item)
        return made.frame

    def _edition(self, head: Record) -> str:
        texts = (leaf.value for leaf in head.leaves if leaf.pattern == self._spec.edition)
        text = self._order.edition or next(texts, None)
        if text is None:
            raise ReportError(
                f"{self._order.name}: has no {self._spec.edition or 'date of its edition'}; "
                "give the date with --edition"
            )
        try:
            path = self._spec.edition
            said = text if self._order.edition or not path else self._spec.fields[path].clean(text).data
            return edition_moment(said)
        except BadValueError as error:
            raise ReportError(
                f"{self._order.name}: edition {text[:_SHOWN]!r} {error}; give the date with --edition"
            ) from None

    def _source_list(self, head: Record) -> str:
        path = self._spec.editions.list
        return ", ".join(" ".join(leaf.value.split()) for leaf in head.leaves if leaf.pattern == path)

    def take(self, record: Record) -> None:
        """The next record: all of its objects, or none and a problem."""
        if not record.kind:
            self._outside(record)
            return
        if record.kind in self._shared:
            self._shared.take(self._reading(record, self._shared.next))
            return
        self._records += 1
        self._at = None
        reading = self._reading(record)
        key: str | None = None
        for remark in record.remarks:
            fault = Fault(remark.code, remark.message, remark.remedy, None, remark.severity)
            if remark.fatal:
                self._fail(reading, None, fault)
                return
            reading.fault(fault)
        try:
            key = self._key(reading)
            if key in self._keys:
                self._account.add_all(record.leaves, "ignored", REPEATED)
                return
            if (rule := self._rule(reading)) is None:
                self._keep(reading, key)
            else:
                self._leave_out(reading, key, rule)
        except RecordError as error:
            self._fail(reading, key, Fault(error.code, str(error), error.remedy, error.leaf, "error"))
        except _FAULTS_OF_CODE as error:
            told = f"the mapping's code failed ({type(error).__name__}: {error})"
            self._fail(
                reading, key, Fault("mapping-code", told, "tell the owner of the mapping", None, "error")
            )

    def _reading(self, record: Record, base: int = 0) -> Reading:
        made = Reading(self._paths, record, self._order.profile, self._frame.edition, base=base)
        made.shared = self._shared
        return made

    def _key(self, reading: Reading) -> str:
        view = View(reading)
        parts = [plain(part.value(view)) for part in self._spec.key]
        if None in parts:
            wanted = " and ".join(part.name for part in self._spec.key)
            raise RecordError(f"has no {wanted}", "without a reference it has no id; add it")
        key = "|".join(map(str, parts))
        self._at = key
        if key in self._keys and self._keys[key][2] != reading.record.content():
            raise RecordError(
                f"{key} stands in the file already, on line {self._keys[key][1]}",
                "keep one of the two records",
            )
        return key

    def _rule(self, reading: Reading) -> LeaveOut | None:
        view = View(reading.whole())
        return next((rule for rule in self._spec.leave_out if rule.holds(view)), None)

    def _leave_out(self, reading: Reading, key: str, rule: LeaveOut) -> None:
        """Nothing is made of the record, and nothing tells of it but the counts: a record that was
        published once and is left out now has no objects any more."""
        self._account.add_all(reading.record.leaves, "ignored", f"{BY_RULE}{rule.name}: {rule.reason}")
        self._left_out[rule.name] += 1
        self._made[key] = []

    def _keep(self, reading: Reading, key: str) -> None:
        frame, said = marked(self._spec.markings, self._frame, View(reading))
        emitter = Emitter(frame, (key, *reading.seed), fates=Fates(self._account.untold), places=self._places)
        for value in said:
            emitter.trace("object_marking_refs", value)
        reading.emitter = emitter
        library = reading.record.made
        main = adopt(reading, emitter, library) if library else build(self._spec, reading, emitter)
        fates = settle(self._spec, reading, emitter, main)
        self._shared.use(emitter.fates)
        if (clash := self._output.clash(emitter.objects.values())) is not None:
            raise RecordError(
                f"another record made {clash} already", "look for a reference that is used twice"
            )
        for made in (*definitions(frame, self._frame), *emitter.objects.values()):
            self._output.add(made)
        self._frames[key] = frame
        self._named |= emitter.named
        self._made[key] = [
            object_id
            for object_id, made in emitter.objects.items()
            if made.get("modified") == self._frame.edition
        ]
        self._mentions += [(key, mention) for mention in emitter.mentions]
        self._keys[key] = (main, reading.record.line, reading.record.content())
        self._account.add(reading.record.leaves, fates)
        for fault in sorted(reading.faults.values(), key=lambda fault: fault.leaf or 0):
            self._problem(reading.record, key, fault)

    def _fail(self, reading: Reading, key: str | None, fault: Fault) -> None:
        """Nothing is made of the record: the problem says which content that was, by its hash."""
        self._failed.append(self._at)
        ignore, untold = self._spec.ignore, self._account.untold
        dropped = untold.after(("dropped", fault.code))
        patterns = (leaf.pattern for leaf in reading.record.leaves)
        fates = [untold.after(("ignored", ignore[p])) if p in ignore else dropped for p in patterns]
        self._account.add(reading.record.leaves, fates)
        digest = reading.record.digest()
        if fault.leaf is not None:
            fault = replace(fault, message=f"{fault.message}; the record ({digest}) is left out")
        self._problem(reading.record, key, fault, digest)

    def _outside(self, record: Record) -> None:
        """Leaves outside of records: the edition, what is ignored, and what nobody knows."""
        for remark in record.remarks:
            self._problem(
                record, None, Fault(remark.code, remark.message, remark.remedy, None, remark.severity)
            )
        uses = [self._use_outside(record, position) for position in range(len(record.leaves))]
        self._account.add(record.leaves, map(self._account.untold.after, uses))

    def _use_outside(self, record: Record, position: int) -> Use:
        leaf = record.leaves[position]
        if leaf.pattern == self._spec.edition and not self._spec.edition_from_records:
            return "mapped", "report.published"
        if leaf.pattern in self._spec.ignore:
            return "ignored", self._spec.ignore[leaf.pattern]
        if leaf.pattern == self._spec.editions.list:
            return "mapped", "report.name"
        if leaf.pattern == self._spec.editions.count:
            self._counted = (record, position)
            return "derived", "report.edition.problems"
        self._residual.append({"path": leaf.path, "value": leaf.value.strip()})
        self._problem(record, None, unlisted(position))
        return "unlisted", "report.edition.residual"

    def _problem(self, record: Record, key: str | None, fault: Fault, value: str | None = None) -> None:
        leaf: Leaf | None = None if fault.leaf is None else record.leaves[fault.leaf]
        value = value if leaf is None else " ".join(leaf.value.split())
        self._problems.append(
            Problem(
                code=fault.code,
                message=fault.message,
                severity=fault.severity,
                source=self._source(leaf),
                line=record.line if leaf is None else leaf.line,
                record=key,
                path=None if leaf is None else leaf.path,
                value=value if value is None or len(value) <= _SHOWN else value[: _SHOWN - 1] + "…",
                remedy=fault.remedy,
            )
        )

    def _source(self, leaf: Leaf | None) -> str:
        """The file: of several that are one report, that in which the leaf stands."""
        if leaf is None or not self._files:
            return self._order.name
        return self._files.get(leaf.pattern.split("/")[0], self._order.name)

    def finish(self, sha256: str) -> Result:
        """What is known only when all records are read: relationships between them, and the report."""
        for key, mention in self._mentions:
            self._relate(key, mention)
        for key in sorted(self._named - self._keys.keys()):
            self._stub(key)
        if self._order.profile is not None:  # what it changed has another id than the key alone gives
            known = {key: self._keys[key][0] for key in self._named & self._keys.keys()}
            self._output = self._output.renamed({self._main_id(key): made for key, made in known.items()})
        self._count()
        for record, fates, left, faults in self._shared.settled():
            self._account.add(record.leaves, fates)
            leaves = (record.leaves[position] for position in left)
            self._residual += [{"path": f"{record.kind}/{x.path}", "value": x.value.strip()} for x in leaves]
            for fault in faults:
                self._problem(record, None, fault)
        # Another list's stubs bring their marking; STIX lets a report refer to objects only (4.16).
        ids = self._output.ids()[self._around :]
        refs = [ref for ref in ids if not ref.startswith("marking-definition--")]
        digests = self._output.digests()[self._around :]
        frame = strictest(self._frame, *self._frames.values())
        made = report(self._spec, frame, refs, digests, self._facts(sha256))
        self._output.add({**made, "name": f"{self._list}: {made['name']}"} if self._list else made)
        head = {key: value for key, value in self._facts(sha256).items() if key in _HEAD}
        head |= self._order.profile.told() if self._order.profile is not None else {}
        return Result(
            edition=self._frame.edition,
            data=self._output.data,
            problems=tuple(self._problems),
            account=self._account.as_json(head, self._problems),
            records=self._records,
            failed_records=len(self._failed),
            made={key: tuple(made) for key, made in self._made.items()},
            failed=tuple(self._failed),
            source_list=self._list,
            whole=self._whole,
        )

    def _count(self) -> None:
        if self._counted is None:
            return
        record, position = self._counted
        if record.leaves[position].value.strip() != str(self._records):
            told = f"is not how many records the file holds: {self._records}"
            self._problem(record, None, Fault("incomplete", told, "get the whole file again", position))

    def _relate(self, key: str, mention: Mention) -> None:
        frame = self._frames[key]
        if mention.other is not None:
            target = self._elsewhere(mention.other, mention.key)
        elif mention.key in self._keys:
            target = self._keys[mention.key][0]
            frame = strictest(frame, self._frames[mention.key])
        else:
            target = self._stub(mention.key)
        made = relationship(frame, (mention.source, mention.type, target), mention.properties)
        self._output.add(made)
        self._made[key].append(made["id"])

    def _stub(self, key: str) -> str:
        target = self._main_id(key)
        frame = self._frame if not self._spec.markings.by else unknown(self._frame)
        for made in (*definitions(frame, self._frame), stub(frame, target, key)):
            self._output.add(made)
        return target

    def _main_id(self, key: str) -> str:
        main = self._spec.main_object
        return self._frame.mint(main.type, main.name, key)

    def _elsewhere(self, other: OtherList, key: str) -> str:
        """A stub of another list's record, to the byte the one that its own mapping makes."""
        around = opening(other, self._order.namespace, self._frame.edition)
        for item in (*around.objects, stub(around.frame, target := around.frame.mint(*other.main, key), key)):
            self._output.add(item)
        return target

    def _facts(self, sha256: str) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "source_sha256": sha256,
            "converter": self._order.converter,
            "format": self._spec.format,
            "format_version": self._spec.format_version,
            "records": self._records,
            "failed_records": len(self._failed),
            "leaves": self._account.leaves,
            "buckets": self._account.totals(),
            "problems": len(self._problems),
        }
        if self._order.profile is not None:
            facts["profile"] = self._order.profile.profile.name
        if self._left_out:
            facts["left_out"] = self._left_out
        if self._residual:
            facts["residual"] = self._residual
        return facts


_HEAD: Final = ("format", "format_version", "profile", "records", "failed_records", "left_out")
