"""
Whom an export is for and what for (NEW-40), and whose key it is encrypted to.

Under research the National Data Opt-out binds: who has opted out there, as an import said, and who objected to
research here, are left out and counted. It binds no other purpose, and none of the messages.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from clinic.change.core.operation_kind import Parameters, Reason
from clinic.change.core.outcomes import NATIONAL_OPT_OUT, RESEARCH_OBJECTION
from clinic.errors import CohortRefused, OperationRefused
from clinic.record.schema.people import consent, patient
from clinic.values.purposes import ANY, PURPOSES, RESEARCH, purpose_in
from clinic.values.purposes import NATIONAL_OPT_OUT as NATIONAL

_LONGEST: Final = 200
_MOST_KEYS: Final = 20


def require_recipient(parameters: Parameters) -> dict[str, Any]:
    """
    `purpose`, `recipient`, and `encrypt_to`: age public keys, none for a file that is not encrypted.

    Raises:
        OperationRefused: no purpose of the list, nobody whom it is for, or a key that is none
    """
    try:
        purpose = purpose_in(str(parameters.get("purpose") or ""))
    except CohortRefused:
        raise OperationRefused(
            "export-purpose",
            f"say what the export is for: --purpose {'|'.join(PURPOSES)}; see: cohort purposes",
        ) from None
    recipient = " ".join(str(parameters.get("recipient") or "").split())
    if not 2 <= len(recipient) <= _LONGEST or not recipient.isprintable():
        raise OperationRefused(
            "export-recipient",
            'say who gets the file, an organisation and who there: --recipient "ICB, contracts team"',
        )
    keys = list(dict.fromkeys(str(key).strip() for key in parameters.get("encrypt_to") or ()))
    for key in keys:
        _require_key(key)
    if len(keys) > _MOST_KEYS:
        raise OperationRefused("export-key", f"an export is encrypted to {_MOST_KEYS} keys at most")
    told: dict[str, Any] = {"purpose": purpose, "recipient": recipient}
    return told | ({"encrypt_to": keys} if keys else {})


def _require_key(key: str) -> None:
    from pyrage import RecipientError, x25519  # who exports nothing need not load it

    try:
        x25519.Recipient.from_str(key)
    except RecipientError:
        secret = " (that is a secret key: keep it to yourself, and have another made)"
        raise OperationRefused(
            "export-key",
            "--encrypt-to is a public key of age, which begins with age1 (age-keygen makes one, and its reader "
            f"keeps the other half){secret if key.upper().startswith('AGE-SECRET-KEY') else ''}",
        ) from None


def kept_from_research(parameters: Parameters) -> tuple[Reason, ...]:
    """Why a patient's data do not leave for research; nothing for another purpose."""
    if parameters.get("purpose") != RESEARCH:
        return ()
    return (
        Reason(patient.c.id.in_(_latest_is_no({NATIONAL})), NATIONAL_OPT_OUT),
        Reason(patient.c.id.in_(_latest_is_no({RESEARCH, ANY})), RESEARCH_OBJECTION),
    )


def _latest_is_no(purposes: set[str]) -> sa.Select[tuple[int]]:
    """Who said no last of these, by whatever channel; a no to all counts where it is by every channel."""
    c = consent.c
    own = c.purpose.in_(purposes - {ANY})
    of_all = (c.purpose == ANY) & (c.channel == ANY) if ANY in purposes else sa.false()
    rank = sa.func.row_number().over(
        partition_by=c.patient_id, order_by=[c.decided_at.desc(), c.id.desc()]
    )
    said = sa.select(c.patient_id, c.decision, rank.label("rank")).where(own | of_all).subquery()
    return sa.select(said.c.patient_id).where(said.c.rank == 1, said.c.decision == "opt_out")
