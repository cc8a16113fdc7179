"""
Operations on the record reach the clinical record outside, patient by patient (NEW-18).

    before a chunk     each patient there is read, compared, and written to the version that was read
    the chunk          is applied here, without those whom the other side did not let change
    after it           whoever was not changed here after all is put back there

Killed anywhere it goes on: what is there already is seen, and what was written without a chunk after it is in
`outside_push`. An undo is an operation, and goes the same way.

A machine may stand still anywhere, and go on after others applied the chunk and undid it. So between the read
there and the write there the record is asked again whether the change is still to be made: what others wrote
later than that has another version there, and is not written over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from clinic.change.run.apply import APPLIED_CHUNK, Wanted, apply_chunk, would_change
from clinic.change.run.conflicts import found_at_apply
from clinic.clock import Clock
from clinic.errors import GatewayBusy
from clinic.fhir.bundle import Entry, version_of
from clinic.fhir.client import FhirClient, NoAnswer
from clinic.fhir.search import SearchRefused, search
from clinic.outside_record.exchange import SideTrouble, exchange, trouble_says
from clinic.outside_record.patient_fields import FIELDS, Change, changed, differs, is_so
from clinic.outside_record.patients import find_patients, forget_patients, merged_into
from clinic.outside_record.problems import GONE, REFUSED, Problem
from clinic.outside_record.running import client_of
from clinic.record.bulk import insert_rows, is_any_of
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.change import operation_chunk, operation_item
from clinic.record.schema.people import facility, provider, tag
from clinic.record.schema.systems.outside_record import outside_push
from clinic.settings import OutsideRecord, Settings

CHANGED_THERE: Final = "changed-there"
_TRIES: Final = 3
_OPEN: Final = ("pushing", "pushed")
_Changes = Mapping[int, Sequence[Change]]


def apply_pushed(
    record: Record, clock: Clock, settings: Settings, operation_id: int, number: int, *,
    apply: Callable[..., None] = apply_chunk,
) -> None:  # fmt: skip
    """
    Apply a chunk, there and here; where nothing is to be pushed, here alone. apply: how it is done here

    Raises:
        GatewayBusy: the other side did not answer: nothing of this chunk is changed here, and it goes on later
    """
    own = settings.outside_record
    if not (own.fhir_url and own.push):
        return apply(record, clock, operation_id, number)
    with _talking_to(record, clock, own) as side:

        def wanted() -> dict[int, list[Change]]:
            return side.changes(would_change(record, operation_id, number, FIELDS))

        kept = side.write(operation_id, wanted)
        apply(record, clock, operation_id, number, kept=kept)
        side.end(operation_id)
    return None


def end_pushed(record: Record, clock: Clock, settings: Settings, operation_id: int) -> None:
    """
    After the last chunk: end what is open there since somebody was killed. Again: nothing.

    Raises:
        GatewayBusy: the other side did not answer
    """
    own, p = settings.outside_record, outside_push.c
    left = sa.select(p.patient_id).where(p.operation_id == operation_id, p.state.in_(_OPEN))
    with record.read() as connection:
        is_open = connection.execute(left.limit(1)).first() is not None
    if is_open and own.fhir_url:
        with _talking_to(record, clock, own) as side:
            side.end(operation_id)


@contextmanager
def _talking_to(record: Record, clock: Clock, own: OutsideRecord) -> Iterator[_Side]:
    client = client_of(own, clock)
    try:
        yield _Side(record, clock, client, own, f"urn:uuid:{install(record, clock)}")
    except NoAnswer as silent:
        problem = str(silent)
    except SearchRefused as refused:
        problem = trouble_says(refused.answer.status)
    except SideTrouble as trouble:
        problem = trouble.says
    else:
        return
    finally:
        client.close()
    raise GatewayBusy(
        "outside-trouble",
        f"the record outside takes nothing now: {problem}. The operation goes on later",
    )


@dataclass(frozen=True)
class _Side:
    """The patients there, as one run works on them."""

    record: Record
    clock: Clock
    client: FhirClient
    settings: OutsideRecord
    system: str

    def changes(self, items: Iterable[Wanted]) -> dict[int, list[Change]]:
        """By patient what is to be changed, in codes: keys are this record's alone."""
        with self.record.read() as connection:
            codes = {
                name: {str(key): code for key, code in connection.execute(sa.select(t.c.id, t.c.code)).tuples()}
                for name, t in (("provider", provider), ("facility", facility), ("tag", tag))
            }  # fmt: skip
        found: dict[int, list[Change]] = defaultdict(list)
        for item in items:
            known = codes.get(item.field, {}) if item.field != "tag" else {}
            old, new = (known.get(value or "", value) for value in (item.old, item.new))
            subject = codes["tag"].get(str(item.subject_id), "") if item.field == "tag" else ""
            found[item.patient_id].append(Change(item.field, subject, old, new))
        return dict(found)

    def write(self, operation_id: int, asked: Callable[[], _Changes]) -> dict[int, str]:
        """
        Write it there; who stays as they are, each with a code.

        asked: what is to be written as the record stands now
        """
        wanted = asked()
        if not wanted:
            return {}
        known = find_patients(self.record, self.clock, self.client, self.settings, sorted(wanted))
        kept = {key: why.code for key, why in known.items() if isinstance(why, Problem)}
        left = {key: str(remote) for key, remote in known.items() if key not in kept}
        left = self._intend(operation_id, left)
        pushed = set(left)
        for _ in range(_TRIES):
            again, lost, undone = self._write_once(left, wanted, asked)
            kept |= lost
            pushed -= undone
            left = again
            if not left:
                break
        kept |= dict.fromkeys(left, CHANGED_THERE)
        with self.record.write() as connection:  # a rerun looks for them again
            forget_patients(connection, [key for key, why in kept.items() if why == GONE])
        self._set(operation_id, [key for key in pushed if key not in kept], "pushed")
        self._forget(operation_id, list(kept))
        return kept

    def _write_once(
        self, left: Mapping[int, str], wanted: _Changes, asked: Callable[[], _Changes]
    ) -> tuple[dict[int, str], dict[int, str], set[int]]:
        """Who is to be read and written again, who stays and why, and for whom it is not to be done now."""
        there = self._read(left.values())
        now = asked()  # after the read: what is written later there has another version
        undone = {key for key in left if now.get(key) != wanted[key]}
        lost: dict[int, str] = {}
        again: dict[int, str] = {}
        keys, entries = [], []
        for key, remote in left.items():
            found, changes = there.get(remote), wanted[key]
            if key in undone:
                continue
            if found is None or merged_into(found):
                lost[key] = GONE
            elif differs(found, changes, self.system):
                lost[key] = CHANGED_THERE
            elif not is_so(found, changes, self.system, self.settings.inactive_statuses):
                keys.append(key)
                entries.append(self._entry(found, changes))
        replies = exchange(self.client, entries, "batch", lambda: True) if entries else []
        for key, reply in zip(keys, replies, strict=True):
            if reply.status in (409, 412):
                again[key] = left[key]
            elif reply.status == 429 or reply.status >= 500:
                raise SideTrouble(trouble_says(reply.status))
            elif reply.status not in (200, 201):
                lost[key] = f"{REFUSED} {reply.status}"
        return again, lost, undone

    def _entry(self, found: Mapping[str, Any], changes: Sequence[Change]) -> Entry:
        made = changed(found, changes, self.system, self.settings.inactive_statuses)
        return Entry("PUT", f"Patient/{found['id']}", made, if_match=version_of(found))

    def _read(self, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        wanted = sorted(set(ids))
        found: dict[str, Mapping[str, Any]] = {}
        for first in range(0, len(wanted), self.settings.per_request):
            some = wanted[first : first + self.settings.per_request]
            query = {"_id": ",".join(some), "_count": str(len(some))}
            for one in search(self.client, "Patient", query):
                found[str(one.get("id"))] = one
        return found

    def end(self, operation_id: int) -> None:
        """Put back there who was not changed here after all; of the others it is noted that all is done."""
        remotes, missed = self._left_open(operation_id)
        back = self._back(missed)
        left = {key: remotes[key] for key in back}
        again, lost, undone = (
            self._write_once(left, back, lambda: self._back(self._left_open(operation_id)[1]))
            if left
            else ({}, {}, set())
        )
        stays = {**again, **lost}
        done = [key for key in left if key not in stays and key not in undone]
        self._set(operation_id, done, "put-back")
        self._set(operation_id, list(stays), "differs")
        self._set(operation_id, [key for key in remotes if key not in left], "done")

    def _back(self, missed: list[Wanted]) -> dict[int, list[Change]]:
        """What undoes there what was not done here."""
        return {
            key: [change.back() for change in changes]
            for key, changes in self.changes(missed).items()
        }

    def _left_open(self, operation_id: int) -> tuple[dict[int, str], list[Wanted]]:
        """Of chunks that are applied: who was written there, and which of their items were not changed here."""
        p, i, c = outside_push.c, operation_item.c, operation_chunk.c
        is_applied = sa.exists().where(
            c.operation_id == p.operation_id,
            c.state == APPLIED_CHUNK,
            p.patient_id.between(c.first_patient, c.last_patient),
        )
        is_open = (p.operation_id == operation_id) & p.state.in_(_OPEN) & is_applied
        with self.record.read() as connection:
            rows = connection.execute(sa.select(p.patient_id, p.remote_id).where(is_open)).all()
            missed = connection.execute(
                sa.select(*(i[name] for name in Wanted._fields)).where(
                    i.operation_id == operation_id,
                    i.field.in_(FIELDS),
                    found_at_apply(),
                    is_any_of(i.patient_id, [row.patient_id for row in rows]),
                )
            ).all()
        remotes = {row.patient_id: row.remote_id for row in rows}
        return remotes, [Wanted._make(row) for row in missed]

    def _intend(self, operation_id: int, remotes: Mapping[int, str]) -> dict[int, str]:
        """Note whom this is about to write, and return them: those of whom all is done are left as they are."""
        now, p = self.clock.now(), outside_push.c
        with self.record.write() as connection:
            own = self._own(operation_id, list(remotes))
            is_open = p.state.in_(_OPEN)
            ended = set(connection.scalars(sa.select(p.patient_id).where(own, ~is_open)))
            remotes = {key: remote for key, remote in remotes.items() if key not in ended}
            connection.execute(sa.delete(outside_push).where(own, is_open))
            insert_rows(
                connection, outside_push,
                ["operation_id", "patient_id", "remote_id", "state", "changed_at"],
                [(operation_id, key, remote, "pushing", now) for key, remote in remotes.items()],
            )  # fmt: skip
        return dict(remotes)

    def _set(self, operation_id: int, patients: list[int], state: str) -> None:
        if patients:
            with self.record.write() as connection:
                connection.execute(
                    sa.update(outside_push)
                    .where(self._own(operation_id, patients))
                    .values(state=state, changed_at=self.clock.now())
                )

    def _forget(self, operation_id: int, patients: list[int]) -> None:
        if patients:
            with self.record.write() as connection:
                own = self._own(operation_id, patients)
                connection.execute(sa.delete(outside_push).where(own))

    @staticmethod
    def _own(operation_id: int, patients: list[int]) -> sa.ColumnElement[bool]:
        p = outside_push.c
        return (p.operation_id == operation_id) & is_any_of(p.patient_id, patients)
