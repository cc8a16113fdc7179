"""FHIR R4 `QuestionnaireResponse`: what was answered, for other systems, in the questionnaire's own order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from clinic.ask.conditions import Answer
from clinic.ask.fhir import Coding, Item, Questionnaire


def response_of(
    questionnaire: Questionnaire, version: int, answers: Mapping[str, Answer], authored: datetime
) -> dict[str, Any]:
    """
    The resource. Answers that were dropped are not in it, nor groups without an answer.

    version: Cohort's own number of the version, part of the canonical address: an address alone names none
    """
    address = questionnaire.url or f"urn:cohort:questionnaire:{questionnaire.id}"
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{address}|{version}",
        "status": "completed",
        "authored": authored.isoformat(timespec="seconds"),
        "item": _items(questionnaire.item, answers),
    }


def _items(items: Sequence[Item], answers: Mapping[str, Answer]) -> list[dict[str, Any]]:
    found = []
    for item in items:
        one: dict[str, Any] = {"linkId": item.link_id}
        if item.text is not None:
            one["text"] = item.text
        if item.type == "group":
            if below := _items(item.item, answers):
                found.append({**one, "item": below})
        elif (answer := answers.get(item.link_id)) is not None:
            found.append({**one, "answer": [_answer(item, answer)]})
    return found


def _answer(item: Item, answer: Answer) -> dict[str, Any]:
    if isinstance(answer, Coding):
        return {
            "valueCoding": {"system": answer.system, "code": answer.code, "display": answer.display}
        }
    if isinstance(answer, date):
        return {"valueDate": answer.isoformat()}
    if isinstance(answer, Decimal):
        return {"valueDecimal": answer}
    name = {"boolean": "valueBoolean", "integer": "valueInteger"}.get(item.type, "valueString")
    return {name: answer}
