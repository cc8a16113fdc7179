"""Whether a campaign can lead its patients to a document."""

from __future__ import annotations

from clinic.attach.take_in import read_attachment
from clinic.errors import CohortRefused, SettingsWrong
from clinic.link.sending import require_key
from clinic.message import states
from clinic.record.database import Record
from clinic.settings import Settings


def require_document(
    record: Record, settings: Settings, sha256: str | None, *, channels: tuple[str | None, ...],
    gateway: str, dry_run: bool,
) -> None:  # fmt: skip
    """
    Whether a campaign by these channels can lead its patients to this document.

    Raises:
        NotFound: there is no such document
        CohortRefused: a call cannot lead to one
        SettingsWrong: nobody could reach the door
        RecordUnsafe: no links can be made here
    """
    if sha256 is None:
        return
    if "voice" in channels:
        raise CohortRefused(
            "attachment-channel",
            "a call cannot lead to a document: send it by sms or email, without calls as fallback",
        )
    with record.read() as connection:
        read_attachment(connection, sha256)
        require_key(connection)
    if not settings.door.address and not dry_run and gateway != states.OUTBOX:
        raise SettingsWrong(
            "door-address",
            "the messages lead to the door of patients, and door.address does not say where they reach it: set "
            "its https:// address (docs/door.md)",
        )
