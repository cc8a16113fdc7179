"""
Every reason that stands in the ledger, in words: of a message, and of a campaign that does not go on.

A gateway or a network may give a code of its own: it stands as it came, with a word on who gave it.
"""

from __future__ import annotations

from typing import Final

from clinic.cohort.outcomes import AT_SENDING
from clinic.message.network_reasons import REASONS
from clinic.settings.gateways import section_of_gateway

# Of `campaign.state_reason`: what happened, and what to do. {section}: where its gateway is set
_ALLOW: Final = 'cohort sending allow --reason "…"'
CAMPAIGN: Final = {
    "paused-by-person": "Somebody paused it. Resume it with: cohort resume.",
    "run-cancelled": "Its run was cancelled in the Prefect UI. Resume it with: cohort resume; or end it for "
    "good: cohort cancel.",
    "run-suspended": "Its run was suspended in the Prefect UI; Resume there alone sends nothing. Resume it "
    "with: cohort resume.",
    "requester-left": "Its requester is disabled. It waits until another person takes it over: "
    "cohort resume; or cancels it.",
    "request-ended": "Its requester was disabled before it was approved. Nothing was sent; "
    "another person asks again.",
    "cancelled-by-person": "Somebody cancelled it. No more of it is sent.",
    "halted-failures": "Too large a share of the last messages failed. Look at the errors; fix the list "
    "or the gateway; resume.",
    "halted-ambiguous": "Several attempts in a row got no answer. Ask the provider; resume.",
    "canary-failed": "Too much of its pilot batch failed. Look at the errors; resuming sends the rest.",
    "too-late": "Its latest start time has passed. Is the message still correct? Resume or cancel.",
    "database-restored": "The record was restored to an earlier state. Ask the provider what was sent since; "
    f"then: {_ALLOW}; then resume or cancel.",
    "database-moved": "The record is on another database server, or its server failed over or was set back. "
    f"Ask the provider what was sent; then: {_ALLOW}; then resume or cancel.",
    "database-changed": "The record is not the one this home worked with. Point the home at its own, or: "
    f"{_ALLOW}; then resume or cancel.",
    "machine-changed": "This home was copied to another machine. Make sure that the old one sends no more; "
    f"then: {_ALLOW}; then resume or cancel.",
    "approval-rejected": "A second approver rejected it, and said why. Nothing was sent.",
    "approval-expired": "Nobody approved it in time. Nothing was sent; send it again.",
    "list-refused": "The list as a whole was refused: nobody was messaged. See its checks.",
    "over-cap": "It has more recipients than the cap allows: nobody was messaged. Split the list.",
    "previewed": "It was only a preview. Nothing was sent.",
    "nobody-accepted": "No row of the list can be messaged. See the rows with errors.",
    "warning-not-accepted": "The text had warnings, and nobody accepted them. Nothing was sent.",
    "not-confirmed": "Nobody confirmed it. Nothing was sent.",
    "payload-changed": "A message was changed after it was handed over. Find out by whom before you resume.",
    "gateway-credentials": "The provider refuses our login. Correct the token or password of "
    "{section}; resume.",
    "gateway-payment": "The provider asks for payment. Pay the account; then resume.",
    "gateway-key-reused": "The provider has our key with other messages already. Ask it before you resume.",
    "gateway-moved": "The provider answers from another address. Correct {section}.url; resume.",
    "gateway-gone": "{section} is not in the settings any more, or leads to another provider now. "
    "Put it back; resume. Or cancel the campaign.",
    "gateway-rewrites": "The provider's text is not ours. See what it adds and take it out there; resume.",
    "gateway-credit": "The credit at the provider did not suffice. Nothing was sent: pay in, send it again.",
    "gateway-clock": "The provider finds our clock wrong. Correct this machine's time; resume.",
    "gateway-refused": "The provider refuses our requests. Ask it why, look at {section}; resume.",
    "gateway-sender-refused": "Our sender is refused there, or the relay does not relay for us. Correct "
    "{section}.sender, or ask the provider; resume.",
    "gateway-proxy": "The proxy on the way to the provider does not let us through. Correct "
    "{section}.proxy_url, or ask who runs the proxy; resume.",
    "gateway-tls": "The certificate of the provider of {section} is not valid. Nothing is sent there "
    "until it is; then resume.",
}


def campaign_says(code: str | None, gateway: str) -> str:
    """
    Why a campaign stands where it does, and what to do; other codes have a heading in the runbook.

    gateway: the campaign's own, whose section is to be looked at; of several all, with a space between two
    """
    if not code:
        return ""
    says = CAMPAIGN.get(code, f"what it means, and what to do: cohort help {code}.")
    sections = " or ".join(section_of_gateway(name) for name in gateway.split())
    return f"{code}: {says.replace('{section}', sections)}"


def message_says(code: str | None) -> str:
    """What a message's reason means."""
    if not code:
        return ""
    if code in AT_SENDING:
        return AT_SENDING[code].says
    return REASONS[code].says if code in REASONS else f"{code} (the provider's own word)"
