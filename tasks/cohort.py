"""Who: take the cohort in and check it. One call each into `clinic` and `data_checks`."""

from __future__ import annotations

from typing import Final, Protocol, TypeVar

from prefect.runtime import flow_run

from clinic.clock import Clock
from clinic.message.campaign.asked import Asked
from clinic.message.campaign.begin import begin_campaign
from clinic.message.campaign.request import MessageRequest
from clinic.message.safety.accepted import require_given
from clinic.record.database import Record
from clinic.settings import Settings
from clinic.sources.cohort import with_list
from data_checks.cohort import check_cohort as check
from data_checks.fallback import plan_fallback
from tasks.guard.decorators import task
from tasks.guard.own_words import by_code
from tasks.guard.while_away import WHILE_AWAY
from tasks.processes.log_file import of_campaign
from tasks.runs.marking import mark_run
from tasks.show import campaign
from tasks.show.telling import tell
from tasks.story import listed
from tasks.wiring import wiring

_SEE_WHY: Final = "why, and what to do: cohort message --source SOURCE --query QUERY --preview"
R = TypeVar("R", bound=Asked)
AskedFor = TypeVar("AskedFor", bound=Asked, contravariant=True)


class Begin(Protocol[AskedFor]):
    """What takes a list in and makes its campaign, once for a request key."""

    def __call__(
        self,
        record: Record,
        clock: Clock,
        settings: Settings,
        request: AskedFor,
        *,
        request_key: str,
        gateway: str,
        batch_limit: int,
    ) -> int:
        """The campaign's number."""


@task(name="load-cohort", **WHILE_AWAY)
def load_cohort(request: MessageRequest) -> int:
    """
    Take the list in and make its campaign; the campaign's number.

    A retried run is the same request: it finds the campaign that it made before.
    """
    parts, key = wiring(), _key_of(request)
    with by_code("the query gave no list of patients, so that nothing was sent", _SEE_WHY):
        known = with_list(parts.record, parts.clock, parts.settings, request, request_key=key)
    return begun(known, begin_campaign)


def begun(request: R, begin: Begin[R]) -> int:
    """
    The campaign of a run's request, made by `begin`.

    Raises:
        NotAllowed: it accepts or overrides what nobody did in the terminal
    """
    parts = wiring()
    key = _key_of(request)
    gateway = parts.gateway(request.channel, dry_run=request.dry_run, outbox=request.outbox)
    campaign_id = begin(
        parts.record,
        parts.clock,
        parts.settings,
        request,
        request_key=key,
        gateway=gateway.name,
        batch_limit=parts.batch_limit(request.channel, gateway),
    )
    of_campaign(campaign_id)
    parts.campaign_id = campaign_id
    mark_run(f"campaign-{campaign_id}", str(campaign_id))
    tell(lambda connection: listed.loaded(connection, campaign_id))
    return campaign_id


def _key_of(request: Asked) -> str:
    """
    The request's own key; else the run's, which a retry has too.

    Raises:
        NotAllowed: it accepts or overrides what nobody did in the terminal
    """
    key = request.request_key or f"run-{flow_run.id}"
    require_given(wiring().record, key, request.accept, request.override_gate)
    return key


@task(name="check-cohort", **WHILE_AWAY)
def check_cohort(campaign_id: int) -> int:
    """Give every row its outcome, and stop here if the list as a whole is not fit to act on."""
    parts = wiring()
    try:
        check(parts.record, parts.clock, parts.settings, campaign_id)
        plan_fallback(parts.record, parts.clock, parts.settings, campaign_id)
    finally:
        campaign.show_checks(parts.record, campaign_id)
        tell(lambda connection: listed.checked(connection, campaign_id))
    return campaign_id
