"""What is done at once where somebody approved it, with no run: a setting, records at their end, an erasure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from clinic.clock import Clock
from clinic.govern.approval_rows import Approval
from clinic.govern.audit.anchor import anchor_of
from clinic.govern.audit.trail import write_anchor
from clinic.govern.rules.governed import SUBJECT
from clinic.govern.rules.setting_changes import apply_change
from clinic.personal_data.erase.erase import ERASURE, apply
from clinic.personal_data.erase.files import copies_of
from clinic.personal_data.erase.outside import outside_of
from clinic.personal_data.erase.strangers import take_back
from clinic.record.database import Record
from clinic.retention.decided import KIND, carry_out, class_of
from clinic.settings import Settings


@dataclass(frozen=True)
class Followed:
    """
    What followed a decision.

    says: sentences for whoever decided; then: what one would type next
    erased: rows of each table that became a stub
    warns: nothing goes on before somebody does something: the first sentence says what
    """

    says: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    erased: Mapping[str, int] = field(default_factory=dict)
    warns: bool = False


Does = Callable[[Record, Clock, Settings, Approval], Followed]

_GONE: Final = {
    "replies": "Text and address of {:,} replies are gone; their rows, days and marks stay.",
    "messages": "Text and address of {:,} messages are gone; their rows and what became of them stay.",
    "import-values": "Old and new values of {:,} imports are gone; that they were made stays.",
    "before-images": "Old and new values of {:,} operations are gone; that they were done stays.",
    "trail": "{:,} acts are gone from the trail; its chain stays, and says who decided it: cohort audit verify",
    "access-log": "{:,} looks are gone from the access log.",
}
_STAYS: Final = (
    "Backups, and copies of the record from before an upgrade, still have it until they are gone: after a "
    "restore it is erased again before anything is sent."
)
_SERVER: Final = (
    "PostgreSQL: the tables were vacuumed. Its write-ahead log and archives have the old rows until "
    "they are recycled."
)


def at_once(decided: Approval) -> Does | None:
    """What is done by whoever decided it; None: something else goes on."""
    acts: dict[str, Does] = {
        SUBJECT: _put_in_force, KIND: _let_go, "erasure": _erase, "restriction": _erase,
    }  # fmt: skip
    return acts.get(decided.subject)


def _put_in_force(record: Record, clock: Clock, settings: Settings, decided: Approval) -> Followed:
    if decided.state != "approved":
        return Followed()
    name = apply_change(record, clock, decided)
    write_anchor(record, anchor_of(settings))
    says = f"{name} is {decided.summary['to']} from now on, for what begins now."
    return Followed((says,), ("cohort settings",))


def _let_go(record: Record, clock: Clock, settings: Settings, decided: Approval) -> Followed:
    """NEW-39: records whose time is over go once two people said so."""
    if decided.state != "approved":
        return Followed()
    what = class_of(decided.subject_id).what
    gone = carry_out(record, clock, settings, what)
    write_anchor(record, anchor_of(settings))
    return Followed((_GONE[what].format(gone),), ("cohort retention stubs",))


def _erase(record: Record, clock: Clock, settings: Settings, decided: Approval) -> Followed:
    """NEW-36."""
    if decided.state != "approved":
        take_back(record, decided.subject_id)
        return Followed()
    took = apply(record, clock, settings.home, decided)
    write_anchor(record, anchor_of(settings))
    with record.read() as connection:
        outside = outside_of(connection, [decided.subject_id])
    if decided.subject != ERASURE:
        return Followed(("It is so from now on.",), ("cohort audit verify",))
    copies = copies_of(settings.home)
    says = (
        _STAYS,
        *outside.says,
        *([f"Copies of the record from before an upgrade, here: {len(copies):,}."] if copies else []),
        *([_SERVER] if record.dialect == "postgresql" else []),
    )  # fmt: skip
    return Followed(says, ("cohort audit verify", "cohort backup FOLDER"), took)
