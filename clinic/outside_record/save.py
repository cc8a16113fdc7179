"""
Saves to the record outside what waits for it: created once, and its status kept up (ACX-32, NEW-11).

Every create is conditional on our identifier: one whose answer was lost is asked again, and finds the first.
Every change of a status names the version that was read; where somebody else wrote meanwhile, it is read again,
and only our status is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from clinic.clock import Clock
from clinic.fhir.bundle import Entry, EntryReply, version_of
from clinic.fhir.client import FhirClient, NoAnswer
from clinic.fhir.search import SearchRefused, search
from clinic.outside_record import queue
from clinic.outside_record.communication import with_status
from clinic.outside_record.exchange import LeaseLost, SideTrouble, exchange, trouble_says
from clinic.outside_record.others import audit_event_id
from clinic.outside_record.patients import find_patients
from clinic.outside_record.problems import GONE, REFUSED, SEVERAL, Problem
from clinic.outside_record.resources import build, read_said
from clinic.outside_record.side import Lease
from clinic.outside_record.sought import TYPES, look_for, value_of
from clinic.outside_record.waiting import Item, next_items, note_items
from clinic.record.database import Record
from clinic.settings import OutsideRecord

SIDE: Final = "fhir"
_AGAIN: Final = frozenset({408, 409, 425, 429})


@dataclass
class Saved:
    """What one run did. trouble: why the other side takes nothing; empty: it does."""

    saved: int = 0
    refused: int = 0
    trouble: str = ""


class Saver:
    """Saves what waits, as long as the lease holds."""

    def __init__(
        self, record: Record, clock: Clock, client: FhirClient, settings: OutsideRecord, *,
        install_id: str, owner: str,
    ) -> None:  # fmt: skip
        """
        Knows whom to save to.

        Args:
            install_id: names our identifiers there
            owner: this process, among those that might save
        """
        self._record, self._clock, self._client, self._settings = record, clock, client, settings
        self._system = f"urn:uuid:{install_id}"
        longest = timedelta(seconds=2 * settings.timeout_seconds + 10)
        self._lease = Lease(record, clock, SIDE, owner, longest=longest)

    def run(self, may_go_on: Callable[[], bool] = lambda: True) -> Saved:
        """Look for what is to be saved, and save it while `may_go_on` says so; what is left waits."""
        self._find()
        done = Saved()
        if not self._lease.take():
            return done
        try:
            while may_go_on():
                items = next_items(self._record, self._clock.now(), self._settings.per_request)
                if not items:
                    break
                self._save(items, done)
        except LeaseLost:
            return done
        except NoAnswer as silent:
            done.trouble = str(silent)
            self._lease.trouble(done.trouble, at_least=self._settings.timeout_seconds)
        except (SideTrouble, SearchRefused) as problem:
            if isinstance(problem, SearchRefused):
                answer = problem.answer
                problem = SideTrouble(trouble_says(answer.status), answer.retry_after)
            done.trouble = problem.says
            self._lease.trouble(done.trouble, wait=problem.wait)
        else:
            self._lease.went_well()
        self._lease.release()
        return done

    def _find(self) -> None:
        day = self._settings.save_from
        assert day is not None, "settings ask for it beside fhir_url"
        since = datetime.combine(day, time(), UTC)
        queue.find_messages(self._record, self._clock, since)
        if self._settings.consents:
            queue.find_consents(self._record, self._clock, since)
        if self._settings.audit:
            queue.find_acts(self._record, self._clock, since)

    def _save(self, items: Sequence[Item], done: Saved) -> None:
        """One block: what is new, what has another status, and of what nobody knows which it has."""
        new = [item for item in items if item.remote_id is None]
        known = [item for item in items if item.remote_id is not None and item.has is not None]
        asked = [item for item in items if item.remote_id is not None and item.has is None]
        if new:
            new = self._sought(new, done)
        if new or known:
            new, known, resources = self._resources(new, known, done)
            self._create(new, resources, done)
            self._rewrite(known, resources, done)
        if asked:
            self._compare(asked, done)

    def _resources(
        self, new: Sequence[Item], known: Sequence[Item], done: Saved
    ) -> tuple[list[Item], list[Item], Mapping[int, dict[str, Any]]]:
        """Those that can be saved, and what is to be saved of them; of the others it is noted why not."""
        items = [*new, *known]
        ids = sorted({item.patient_id for item in items if item.patient_id is not None})
        if not self._lease.take():
            raise LeaseLost
        found = find_patients(self._record, self._clock, self._client, self._settings, ids)
        nobody = {key: why for key, why in found.items() if isinstance(why, Problem)}
        self._note(
            [item.refused(nobody[item.patient_id]) for item in items if item.patient_id in nobody],
            done,
        )
        there = {key: remote for key, remote in found.items() if isinstance(remote, str)}
        with self._record.read() as connection:
            resources = build(connection, items, system=self._system, patients=there)
        gone = [
            item for item in items if item.id not in resources and item.patient_id not in nobody
        ]
        self._note(
            [item.refused(Problem(GONE, "not on this record any more")) for item in gone], done
        )
        return (
            [item for item in new if item.id in resources],
            [item for item in known if item.id in resources],
            resources,
        )

    def _sought(self, items: Sequence[Item], done: Saved) -> list[Item]:
        """
        Those that are not there, where an earlier try may have made them and nobody knows.

        A create is conditional, but there are servers that do not keep to it.
        """
        unsure = [
            item
            for item in items
            if item.kind != "act" and (self._lease.is_unclean or item.tries or item.has is not None)
        ]
        if not unsure:
            return list(items)
        if not self._lease.take():
            raise LeaseLost
        there = look_for(self._client, self._system, unsure)
        self._note(there, done)
        known = {item.id for item in there}
        return [item for item in items if item.id not in known]

    def _create(
        self, items: Sequence[Item], resources: Mapping[int, dict[str, Any]], done: Saved
    ) -> None:
        entries = [self._new_entry(item, resources[item.id]) for item in items]
        self._note(
            [
                self._created(item, reply)
                for item, reply in zip(items, self._ask(entries, "transaction"), strict=True)
            ],
            done,
        )

    def _new_entry(self, item: Item, resource: dict[str, Any]) -> Entry:
        kind = TYPES[item.kind]
        if item.kind == "act":
            key = audit_event_id(self._system, item.stream, item.item_id)
            return Entry("PUT", f"{kind}/{key}", resource)
        query = f"identifier={self._system}|{value_of(item)}"
        return Entry("POST", kind, resource, if_none_exist=query)

    def _created(self, item: Item, reply: EntryReply) -> Item:
        if reply.status == 412:
            return item.refused(Problem(SEVERAL))
        if reply.status not in (200, 201):
            return self._not_taken(item, reply)
        if reply.status == 200 and item.kind == "message" and reply.remote_id:
            return item.there(reply.remote_id)  # an earlier try made it, with the status of then
        return item.saved(reply.remote_id, reply.version)

    def _rewrite(
        self, items: Sequence[Item], resources: Mapping[int, dict[str, Any]], done: Saved
    ) -> None:
        """Whose last version was ours: nothing there can be lost by writing all of it."""
        entries = [
            Entry("PUT", f"Communication/{item.remote_id}",
                  {**resources[item.id], "id": item.remote_id}, if_match=item.version or "")
            for item in items
        ]  # fmt: skip
        self._note(
            [
                self._rewritten(item, reply)
                for item, reply in zip(items, self._ask(entries, "batch"), strict=True)
            ],
            done,
        )

    def _rewritten(self, item: Item, reply: EntryReply) -> Item:
        if reply.status == 412:  # somebody wrote to it: read it, and change our status alone
            return item.later(self._clock.now(), "412")
        if reply.status in (200, 201):
            return item.saved(item.remote_id or "", reply.version)
        return self._not_taken(item, reply)

    def _compare(self, items: Sequence[Item], done: Saved) -> None:
        """Read what is there, and write our status where it differs, to the version that was read."""
        if not self._lease.take():
            raise LeaseLost
        ids = ",".join(item.remote_id or "" for item in items)
        query = {"_id": ids, "_count": str(len(items))}
        there = {str(one.get("id")): one for one in search(self._client, "Communication", query)}
        with self._record.read() as connection:
            said = read_said(connection, items)
        noted, changed, entries = [], [], []
        for item in items:
            found, own = there.get(item.remote_id or ""), said.get(item.item_id)
            if found is None or own is None:
                noted.append(item.refused(Problem(GONE)))
                continue
            wanted = with_status(found, own)
            if wanted["status"] == found.get("status"):
                noted.append(item.saved(item.remote_id or "", version_of(found)))
                continue
            changed.append(replace(item, version=version_of(found)))
            entries.append(
                Entry("PUT", f"Communication/{item.remote_id}", wanted, if_match=version_of(found))
            )
        replies = self._ask(entries, "batch")
        pairs = zip(changed, replies, strict=True)
        self._note([*noted, *(self._rewritten(item, reply) for item, reply in pairs)], done)

    def _not_taken(self, item: Item, reply: EntryReply) -> Item:
        says = f"{reply.status} {reply.says}".strip()
        if reply.status in _AGAIN or reply.status >= 500 or reply.status < 400:
            return item.later(self._clock.now(), says)
        gone = reply.status in (404, 410) and item.remote_id is not None
        return item.refused(Problem(GONE if gone else REFUSED, says))

    def _ask(self, entries: Sequence[Entry], kind: str) -> list[EntryReply]:
        if not entries:
            return []
        first = "transaction" if kind == "transaction" else "batch"
        return exchange(self._client, entries, first, self._lease.take)  # type: ignore[arg-type]

    def _note(self, items: Sequence[Item], done: Saved) -> None:
        items = note_items(self._record, self._clock, items)
        done.saved += sum(item.state == "saved" for item in items)
        done.refused += sum(item.state == "refused" for item in items)
