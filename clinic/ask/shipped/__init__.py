"""Questionnaires that come with Cohort: own wording, or one that may be passed on (docs/questionnaires.md)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from clinic.ask.fhir import Questionnaire
from clinic.ask.file import read_questionnaire


def shipped() -> Iterator[Questionnaire]:
    """Each, by key."""
    found = (each for each in files(__name__).iterdir() if each.name.endswith(".json"))
    for each in sorted(found, key=lambda each: each.name):
        yield read_questionnaire(each.read_bytes())
