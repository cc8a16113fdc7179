"""
Judges for another channel whom a campaign's own may not reach, once its list is checked (decision 0051).

    recipients: accepted │ no address ─► facts for the other channel ─► screen ─► fallback_person
                                              └─► its texts, judged ─► content findings of the campaign

As the campaign that follows will be judged: with the record's address first, by the other template. A block of
rows a transaction; killed, it goes on with the next row, and two runs at once share the work.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.rows import BLOCK_ROWS, FALLBACK, ListSource, get_list, read_rows
from clinic.gateway.voice.spoken import CHARGED, count_charged
from clinic.govern.audit.chain import hold
from clinic.message import states
from clinic.message.audience.audience import audience_of
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.eligibility.facts import Question, facts_of
from clinic.message.fallback.people import candidates, keep_people, kept_to
from clinic.message.meanwhile.day_moved import first_asked
from clinic.message.prepare.content import keep_findings
from clinic.message.prepare.judged import judge_block
from clinic.message.prepare.texts import Texts, Tongues, load_texts, load_tongues
from clinic.message.template.template import missing_variables, values_too_long
from clinic.message.template.variables import setting_of, variable_frame
from clinic.message.words.classes import CALL, CALLING
from clinic.message.words.judging import Hit
from clinic.record.database import Record
from clinic.settings import Settings
from data_checks.eligibility.eligibility import screen


def plan_fallback(
    record: Record,
    clock: Clock,
    settings: Settings,
    campaign_id: int,
    *,
    block_rows: int = BLOCK_ROWS,
) -> None:
    """
    Find whom the other channel may reach. Again: only who is missing; nothing where there is none.

    Args:
        block_rows: how many rows are held and judged at a time

    Raises:
        TemplateRefused, ListRefused: the other template does not fit the list
    """
    with record.read() as connection:
        job = get_campaign(connection, campaign_id)
        if job.fallback is None or job.state != states.CHECKING:
            return
        source = replace(get_list(connection, job.list_id), source=FALLBACK)
        version = job.fallback_version_id or 0
        texts = load_texts(connection, version, source, channel=job.fallback)
    # As the other channel's own campaign, of whom no message is known yet
    other = replace(job, channel=job.fallback, template_version_id=version)
    while True:
        with record.read() as connection:
            after = kept_to(connection, campaign_id)
            some = candidates(connection, campaign_id, after=after, limit=block_rows)
            if not some:
                return
            judged, hits = _judge(connection, clock, settings, other, source, texts, some)
        with record.write() as connection:
            hold(connection, f"fallback {campaign_id}")
            if kept_to(connection, campaign_id) != after:
                continue  # another run of the same request was here first
            good = judged.index[judged["outcome"] == "accepted"]
            keep_people(
                connection,
                campaign_id,
                zip(
                    judged["patient_id"].tolist(),
                    judged.index.tolist(),
                    judged["why"].tolist(),
                    judged["outcome"].tolist(),
                    judged["segments"].tolist(),
                    strict=True,
                ),
            )
            keep_findings(connection, campaign_id, hits, good, good)


def _judge(
    connection: Connection,
    clock: Clock,
    settings: Settings,
    job: Campaign,
    source: ListSource,
    texts: Texts,
    some: list[tuple[int, int, str]],
) -> tuple[pd.DataFrame, list[Hit]]:
    """`patient_id`, `why`, `outcome` and `segments` of these rows, and what their messages would say."""
    now, setting = clock.now(), setting_of(settings, clock.now())
    people = pd.DataFrame(some, columns=["row_number", "patient_id", "why"]).set_index("row_number")
    first, last = some[0][0], some[-1][0]
    rows = read_rows(connection, source, after=first - 1, limit=last - first + 1)
    rows = rows.loc[rows.index.isin(people.index)]
    rows["patient_id"] = people["patient_id"].astype("Int64").reindex(rows.index)
    question = Question(
        job.id, job.channel, job.purpose, now.date(), now, job.template_version_id, job.requested_by
    )
    facts = facts_of(connection, source, rows, question=question, settings=settings)
    facts["had_this_lately"] = (
        False  # what is asked of the first; the campaign that follows asks its own
    )
    tongues = load_tongues(connection, source, texts, facts["variant"], channel=job.channel)
    values = variable_frame(connection, source, rows, tongues.variables, setting=setting)
    _judge_values(facts, values, tongues, settings.organisation.longest_value)
    people = people.reindex(rows.index)
    people["outcome"] = screen(facts, channel=job.channel).outcome.astype("str")
    people["segments"] = 1
    good = rows.index[people["outcome"] == "accepted"]
    if not len(good):
        return people, []
    said = tongues.render(values.loc[good], facts.loc[good, "variant"])
    classes = audience_of(connection, job.template_version_id).classes
    hits = judge_block(
        job, source, setting, said, values.loc[good], tongues.fixed,
        asked=first_asked(connection, job.id), classes=classes,
    )  # fmt: skip
    # How many are asked to call is of those who are messaged: the campaign that follows counts its own
    hits = [hit for hit in hits if hit.phrase.subject not in (CALL, CALLING)]
    if job.channel in CHARGED:
        people.loc[good, "segments"] = count_charged(job.channel, said["body"].tolist())
    return people, hits


def _judge_values(
    facts: pd.DataFrame, values: pd.DataFrame, tongues: Tongues, longest: int
) -> None:
    """What the template needs of each; days are asked of the first channel's message."""
    facts["variable_missing"] = facts["value_too_long"] = facts["date_gone_by"] = ""
    for said, which in tongues.parts(facts["variant"]):
        given = values.loc[which, list(said.variables)]
        facts.loc[which, "variable_missing"] = missing_variables(said, given)
        facts.loc[which, "value_too_long"] = values_too_long(given, longest)
