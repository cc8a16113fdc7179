"""Questionnaires that tests make: small, whole, and changed in one place."""

from __future__ import annotations

import json
from typing import Any

from clinic.ask.fhir import Questionnaire
from clinic.ask.file import read_questionnaire

ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"


def option(code: str, weight: float | None = None) -> dict[str, Any]:
    """An answer whose words are its code."""
    found: dict[str, Any] = {"valueCoding": {"system": "urn:x", "code": code, "display": code}}
    if weight is not None:
        found["extension"] = [{"url": ORDINAL, "valueDecimal": weight}]
    return found


def ask(key: str, kind: str = "boolean", **more: Any) -> dict[str, Any]:
    """A question."""
    return {"linkId": key, "type": kind, "text": f"{key}?", **more}


def choice(key: str, *weights: float | None, **more: Any) -> dict[str, Any]:
    """A choice of answers a, b, c … with these weights."""
    options = [option("abcdefgh"[n], weight) for n, weight in enumerate(weights)]
    return ask(key, "choice", answerOption=options, **more)


def when(question: str, operator: str, **answer: Any) -> list[dict[str, Any]]:
    """One condition."""
    return [{"question": question, "operator": operator, **answer}]


def raw(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A questionnaire as a file has it."""
    return {
        "resourceType": "Questionnaire", "id": "test", "status": "active", "title": "Test",
        "copyright": "Ours.", "item": list(items), **more,
    }  # fmt: skip


def form(*items: dict[str, Any], **more: Any) -> Questionnaire:
    """The same, read."""
    return read_questionnaire(json.dumps(raw(*items, **more)).encode())


def score(method: str, *items: str, bands: tuple[tuple[float, str], ...] = ()) -> dict[str, Any]:
    """Cohort's extension for a score."""
    parts = [
        [{"url": "from", "valueDecimal": at}, {"url": "name", "valueString": name}]
        for at, name in bands
    ]
    return {
        "url": "urn:cohort:score",
        "extension": [
            {"url": "name", "valueString": "Total"},
            {"url": "method", "valueCode": method},
            *({"url": "item", "valueString": key} for key in items),
            *({"url": "band", "extension": part} for part in parts),
        ],
    }
