"""
Whether a notice can be sent at all: all that can be known is asked before anything of it begins.

The command asks before it shows whom it would tell, `ask_for` before it writes, and the run before it makes
the notice, since things change meanwhile. Each refusal says what to do; nothing was written by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from clinic.change.core.states import CHANGED_SOMETHING
from clinic.change.operations import Operation, get_operation
from clinic.errors import NotAllowed, OperationRefused, SettingsWrong
from clinic.gateway.choose import gateway_for, has_gateway
from clinic.notify.recipients import Audience, Told, recipients_of
from clinic.record.database import Record
from clinic.settings import Settings
from clinic.values.email import judge_emails

MOST: Final = 10**6  # recipients a notice
_NAMED: Final = 5


def require_tellable(
    record: Record, settings: Settings, audience: Audience, operation_id: int
) -> tuple[Operation, list[Told]]:
    """
    The operation, and everybody whom a notice of it would go to; those without an address too.

    Raises:
        NotFound: there is no such operation
        NotAllowed: it has changed nothing yet, or e-mail is switched off
        SettingsWrong: no gateway for e-mail is set
        OperationRefused: nobody is concerned, or nobody of them has an address that can exist
    """
    about = get_operation(record, operation_id)
    if about.state not in CHANGED_SOMETHING:
        raise NotAllowed(
            "notice-too-early",
            f"operation {about.id} is {about.state} and has changed nothing: there is nothing to notify about. "
            f"Where it stands: cohort operations show {about.id}",
        )
    if "email" not in settings.organisation.channels:
        raise NotAllowed("channel-off", "notices go by e-mail: allow it (organisation.channels)")
    if not (settings.outbox or has_gateway(settings, "email")):
        raise SettingsWrong("gateway-missing", _no_gateway())
    gateway_for(settings, record, "email").close()
    with record.read() as connection:
        told = recipients_of(connection, settings, audience, about.id)
    require_somebody(told, audience, f"operation {about.id}")
    return about, told


def require_somebody(told: Sequence[Told], audience: Audience, what: str) -> None:
    """
    Refuse what nobody would get. `what`: the operation, in words.

    Raises:
        OperationRefused: nobody is concerned, there are too many, or nobody has an address that can exist
    """
    if not 0 < len(told) <= MOST:
        raise OperationRefused("notice-nobody", _nobody(audience, what))
    addresses = pd.Series([each.email or "" for each in told], dtype="str")
    if judge_emails(addresses)["fault"].astype("str").ne("").all():
        raise OperationRefused("notice-no-address", _no_address(told, audience))


def _no_gateway() -> str:
    return (
        "no gateway is set for e-mail: set email.host and email.sender in cohort.toml (docs/gateways.md). "
        "Nobody was told. To try without sending: outbox = true there"
    )


def _nobody(audience: Audience, what: str) -> str:
    if audience == "internal":
        return (
            "the team has no address: set notices.internal in cohort.toml to the addresses of those "
            "who are to be told. Nobody was told"
        )
    return (
        f"{what} concerns no {audience} that is open: nobody would be told. "
        f"Tell others instead: --to {'provider' if audience == 'facility' else 'facility'}, or internal"
    )


def _no_address(told: Sequence[Told], audience: Audience) -> str:
    if audience == "internal":
        return (
            "none of the addresses in notices.internal can be an e-mail address: correct them in "
            "cohort.toml. Nobody was told"
        )
    codes = ", ".join(each.code for each in told[:_NAMED]) + (" …" if len(told) > _NAMED else "")
    return (
        f"no {audience} that it concerns ({codes}) has a valid e-mail address: "
        f"set it with: cohort places {audience} {told[0].code} --email ADDRESS. Nobody was told"
    )
