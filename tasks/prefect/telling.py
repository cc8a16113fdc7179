"""
The automations that tell people, by a webhook (health.webhook): one each for what an analyst wants to know of.

    a run failed, crashed or is late     whatever run of this installation; `settle` by health findings alone,
                                         or an error that lasts would be told every five minutes
    a campaign halted itself             an approval waits
    nothing sent tonight                 no reminder run, or one that reached nobody, with visits to come
    the worker is gone                   anything else that `cohort health` finds

By e-mail the same is told without Prefect: each is a finding of `cohort health`, and goes to health.tell.
What is posted names runs, numbers and codes, and nothing of a patient: {"text": "…", "code": "…"}.

Call `apply_environment` first: this imports prefect.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from prefect.automations import AutomationCore
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.events.actions import CallWebhook
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.types import SecretDict
from pydantic import SecretStr

from clinic.health.findings import KINDS
from tasks.guard.asking import whole
from tasks.prefect.events import APPROVAL_WAITS, HALTED, STALE, UNDECIDABLE
from tasks.prefect.health_events import HEALTH_BEGUN
from tasks.processes.identity import INSTALLATION, Installation

BEGINS: Final = "told by Cohort: "
_JSON: Final = SecretDict({"Content-Type": "application/json"})
_RUN: Final = "run {{ flow_run.name }} %s: {{ flow_run.state.message }} {{ flow_run | ui_url }}"
_FINDING: Final = "{{ event.payload.says }}. Do: {{ event.payload.do }}"
_CAMPAIGN: Final = "campaign {{ event.payload.campaign }} "
# Of health findings these have an automation of their own
_TONIGHT: Final = ("reminders-not-run", "reminders-none")
_WORKER: Final = ("worker-gone", "prefect-unreachable")
# And these are told by the events of what they are found of
_BY_EVENTS: Final = ("campaign-halted", "approvals-waiting", "runs-failed", "runs-late")
_TOLD: Final = frozenset({*_TONIGHT, *_WORKER, *_BY_EVENTS})


@dataclass(frozen=True)
class Telling:
    """
    What is told: its name in the list of automations, the events, and the sentence, a template of Prefect's.

    resource: of the events, apart from whose they are; runs: they are a run's, and known by its tag
    """

    name: str
    events: frozenset[str]
    sentence: str
    resource: dict[str, str | list[str]]
    runs: bool = False


def _of_run(state: str, says: str) -> Telling:
    resource: dict[str, str | list[str]] = {
        "prefect.resource.id": "prefect.flow-run.*",
        "prefect.resource.name": "!settle",
    }
    events = frozenset({f"prefect.flow-run.{state}"})
    return Telling(f"a run {says}", events, _RUN % says, resource, runs=True)


def _of_findings(name: str, *codes: str) -> Telling:
    resource: dict[str, str | list[str]] = {
        "prefect.resource.id": [f"cohort.health.{code}" for code in codes]
    }
    return Telling(name, frozenset({HEALTH_BEGUN}), _FINDING, resource)


TELLINGS: Final = (
    _of_run("Failed", "failed"),
    _of_run("Crashed", "crashed"),
    _of_run("Late", "is late"),
    Telling(
        "a campaign halted",
        frozenset({HALTED}),
        _CAMPAIGN + "halted itself ({{ event.payload.reason }}); look: cohort show "
        "{{ event.payload.campaign }}",
        {"prefect.resource.id": "cohort.campaign.*"},
    ),
    Telling(
        "an approval waits",
        frozenset({APPROVAL_WAITS}),
        _CAMPAIGN + "waits for a second approver; look: cohort approvals",
        {"prefect.resource.id": "cohort.campaign.*"},
    ),
    Telling(
        "an approval waits too long",
        frozenset({STALE, UNDECIDABLE}),
        "the request of {{ event.payload.subject }} {{ event.payload.number }} waits too long, or nobody can "
        "decide it; look: cohort approvals",
        {"prefect.resource.id": "cohort.approval.*"},
    ),
    _of_findings("nothing sent tonight", *_TONIGHT),
    _of_findings("the worker is gone", *_WORKER),
    # By name, since a list of negations holds where one of them does
    _of_findings("something else is wrong", *(code for code in KINDS if code not in _TOLD)),
)


def automation_of(telling: Telling, who: Installation, block: Any) -> AutomationCore:
    """The automation, for this installation's events alone."""
    match: dict[str, str | list[str]] = {**telling.resource}
    related: dict[str, str | list[str]] = {}
    if telling.runs:
        related = {
            "prefect.resource.role": "tag",
            "prefect.resource.id": f"prefect.tag.{who.tag}",
        }
    else:
        match[INSTALLATION] = who.key
    said = f'"{_quoted(who.label)}: {telling.sentence}"'.replace("{{ ", '" ~ (').replace(
        " }}", ') ~ "'
    )
    return AutomationCore(
        name=f"{BEGINS}{telling.name} ({who.label})",
        description="Posted to health.webhook of the settings, which `cohort server start` puts in force",
        trigger=EventTrigger(
            expect=set(telling.events),
            match=ResourceSpecification(match),
            match_related=ResourceSpecification(related),
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[
            CallWebhook(
                block_document_id=block,
                payload='{"text": {{ ('
                + said
                + ') | tojson }}, "code": {{ event.event | tojson }}}',
            )
        ],
    )


def ensure_tellings(client: SyncPrefectClient, who: Installation, webhook: SecretStr) -> None:
    """Create or update them where an address is set; remove them where none is."""
    there = {
        one.name: one
        for one in whole(client.read_automations)
        if one.name.startswith(BEGINS) and one.name.endswith(f"{who.key})")
    }
    wanted: list[AutomationCore] = []
    if webhook.get_secret_value():
        block = Webhook(method="POST", url=webhook, headers=_JSON)
        document = block.save(_block_name(who), overwrite=True)
        wanted = [automation_of(one, who, document) for one in TELLINGS]
    else:
        forget_webhook(client, who)
    for one in wanted:
        if (known := there.pop(one.name, None)) is None:
            client.create_automation(one)
        else:
            # Whoever switched one off meant it
            one.enabled = known.enabled
            client.update_automation(known.id, one)
    for left in there.values():
        client.delete_automation(left.id)


def forget_webhook(client: SyncPrefectClient, who: Installation) -> int:
    """Remove its address from the server; how many there were."""
    found = [
        one
        for one in whole(client.read_block_documents, include_secrets=False)
        if one.name == _block_name(who)
    ]
    for one in found:
        client.delete_block_document(one.id)
    return len(found)


def _block_name(who: Installation) -> str:
    return f"cohort-{who.key}"


def _quoted(text: str) -> str:
    """As it stands within quotation marks of a template."""
    return text.replace("\\", "").replace('"', "'")
