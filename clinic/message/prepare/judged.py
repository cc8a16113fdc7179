"""
What a block of messages says, judged as patients would read it; and the neutral reminder of a sensitive visit.

Words of the template are every message's: a person answers for them. In a reminder, words that only some
messages have come from the visit, "GUM Clinic": nobody is there at night to be asked, so those patients are
told of a visit and not of which one, or, where no such text is set, nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from clinic.cohort.rows import CORRECTION, ListSource
from clinic.message.campaign.campaign import Campaign
from clinic.message.prepare.day_words import may_be_sent_later
from clinic.message.purposes import STAFF_LIST
from clinic.message.template.placeholders import places_to_fill
from clinic.message.template.template import CompiledTemplate, compile_template
from clinic.message.template.variables import Setting, allowed_variables
from clinic.message.words.block import judge_texts
from clinic.message.words.calling import judge_calling
from clinic.message.words.classes import DAY_WORD, NEUTRAL, PERSONAL
from clinic.message.words.days import day_words
from clinic.message.words.folding import as_array
from clinic.message.words.judging import Hit, judge
from clinic.message.words.phrases import Phrase, word_list
from clinic.message.words.reachable import judge_reachable

_VISITS = "report"  # the source of a list of appointments
NEUTRAL_SUBJECT = "Your appointment"


def neutral_variables(source: ListSource, setting: Setting) -> tuple[str, ...]:
    """What the neutral reminder speaks of, where this list may need it."""
    neutral = _neutral(setting) if source.source == _VISITS else None
    return neutral.variables if neutral else ()


def judge_block(
    job: Campaign, source: ListSource, setting: Setting, rows: pd.DataFrame, values: pd.DataFrame,
    fixed: str, *, asked: datetime, classes: Collection[str] = (),
) -> list[Hit]:  # fmt: skip
    """
    What the messages of these rows say. Notes in `unfit` who gets no reminder; gives others the neutral one.

    Args:
        rows: `body` and `subject`, as they would leave
        values: of the variables, same index
        fixed: the template's own words; classes: its classes
        asked: when the text was first asked for (day_moved.py)
    """
    rows["unfit"] = False
    if source.source == STAFF_LIST:
        return []  # colleagues, who are told what they must know
    told = _tell_neutrally(job, setting, rows, values, fixed) if source.source == _VISITS else []
    crowds = source.source != _VISITS  # of reminders a few call each day, and not at once
    return [
        *told,
        *_each_once(_texts(rows), lambda texts: _judge_texts(job, setting, texts, fixed, crowds)),
        *judge_reachable(as_array(rows["body"]), classes, setting.content),
        *places_to_fill(fixed, values),
        *_judge_days(job, setting, fixed, asked, len(rows)),
        *(_personal(values, fixed) if source.source == CORRECTION else []),
    ]


def _each_once(texts: pa.StringArray, judged: Callable[[pa.StringArray], list[Hit]]) -> list[Hit]:
    """What is found in these texts; of those that are the same to the letter one is looked at."""
    coded = texts.dictionary_encode()
    hits = judged(coded.dictionary)
    if len(coded.dictionary) == len(texts):
        return hits
    codes = coded.indices.to_numpy()
    return [replace(hit, places=np.flatnonzero(_marked(hit, coded)[codes])) for hit in hits]


def _marked(hit: Hit, coded: pa.DictionaryArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Of each text that is looked at, whether it has this."""
    has_it = np.zeros(len(coded.dictionary), dtype=np.bool_)
    has_it[hit.places] = True
    return has_it


def _judge_texts(
    job: Campaign, setting: Setting, texts: pa.StringArray, fixed: str, crowds: bool
) -> list[Hit]:
    """Crowds: whether many may call at once. Replied e-mails are in a mailbox; nobody replies to a call."""
    calling = judge_calling(texts) if crowds and setting.content.calls_an_hour else []
    others = judge_texts(
        texts, fixed, setting.content, name=setting.organisation.name, purpose=job.purpose,
        replies_read=setting.replies_read or job.channel != "sms",
    )  # fmt: skip
    return [*calling, *others]


def _personal(values: pd.DataFrame, fixed: str) -> list[Hit]:
    """Where a wrong text went to a wrong number, a correction with a name in it would be the next."""
    names = [
        name
        for name in values.columns
        if name.startswith(("patient.", "list.")) and name.partition(".")[2] in fixed
    ]
    everybody = np.arange(len(values), dtype=np.int64)
    return [Hit(Phrase(name, PERSONAL, ""), everybody) for name in names]


def _tell_neutrally(
    job: Campaign, setting: Setting, rows: pd.DataFrame, values: pd.DataFrame, fixed: str
) -> list[Hit]:
    """Give the neutral reminder to whom the visit's own words are not for; who got it."""
    hits = _judge(rows, setting)
    own = {hit.phrase for hit in judge([fixed], word_list(setting.content))} if hits else set()
    of_visits = [hit.places for hit in hits if hit.phrase not in own]
    if not of_visits:
        return []
    places = np.unique(np.concatenate(of_visits))
    which = rows.index[places]
    neutral = _neutral(setting)
    if neutral is not None:
        rows.loc[which, "body"] = neutral.render_frame(values.loc[which])
        if job.channel == "email":
            rows.loc[which, "subject"] = NEUTRAL_SUBJECT
    still = {place for hit in _judge(rows.loc[which], setting) for place in hit.places.tolist()}
    unfit = which if neutral is None else which[sorted(still)]
    rows.loc[unfit, "unfit"] = True
    changed = places if neutral is not None else places[:0]
    return [Hit(Phrase("", NEUTRAL, ""), changed)]


def _judge_days(
    job: Campaign, setting: Setting, fixed: str, asked: datetime, messages: int
) -> list[Hit]:
    """The template's own words alone: what a visit puts in is worked out for the day itself."""
    found = day_words(fixed)
    if not found or not may_be_sent_later(job, setting, asked):
        return []
    everywhere = np.arange(messages, dtype=np.int64)
    return [Hit(Phrase(one, DAY_WORD, ""), everywhere) for one in found]


def _judge(rows: pd.DataFrame, setting: Setting) -> list[Hit]:
    words = word_list(setting.content)
    return _each_once(_texts(rows), lambda texts: judge(texts, words))


def _texts(rows: pd.DataFrame) -> pa.StringArray:
    """Subject and body together: the break between them ends no patient's reading, but ends a phrase."""
    subjects = rows["subject"].tolist()
    if not any(subjects):
        return as_array(rows["body"])
    return as_array(
        [
            f"{subject} | {body}" if subject else body
            for subject, body in zip(subjects, rows["body"].tolist(), strict=True)
        ]
    )


def _neutral(setting: Setting) -> CompiledTemplate | None:
    text = setting.content.neutral_reminder
    return compile_template(text, allowed=allowed_variables()) if text.strip() else None
