"""What Twilio calls back with of a call: how it ended, or that 9 was pressed, a no to more of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clinic.gateway.voice.outcomes import ended
from clinic.gateway.voice.twiml import STOP_KEY

_STOP = "STOP"  # a keyword in every language (clinic/message/eligibility/keywords.py)


def read_call(form: Mapping[str, str], reference: str) -> dict[str, Any]:
    """
    A callback of a call in our own form.

    Raises:
        KeyError: it says nothing of a call
    """
    call = form["CallSid"]
    if "Digits" in form:
        said = {"id": call, "from": form["To"], "text": _STOP, "channel": "voice"}
        return {"replies": [said] if form["Digits"] == STOP_KEY else []}
    status = form["CallStatus"]
    found = ended(status, form.get("AnsweredBy", ""), form.get("SipResponseCode", ""))
    return {"receipts": [{
        "id": call, "reference": reference, "status": found.says if found else status,
        "code": found.reason if found else None,
    }]}  # fmt: skip
