"""`cohort questionnaires`: what patients can be asked."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import console
from cli.options import Json
from cli.proof import Me, SecretFd, who_acts
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.ask.answers import Taken
    from clinic.ask.fhir import Questionnaire
    from clinic.ask.scoring import Flag, Result

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    Questionnaires, as FHIR R4. A changed one is a new version; what was sent keeps its own.

    Some came with the program. Add your own only with the permission of whoever owns its wording: the file
    says whose it is (copyright).
    """,
)

Key = Annotated[str, typer.Argument(help="The questionnaire's key: phq-9.")]
Number = Annotated[int | None, typer.Option("--version", help="Which version; else the newest.")]
Fhir = Annotated[bool, typer.Option("--fhir", help="The FHIR R4 resource, as JSON.")]
JsonFile = Annotated[Path, typer.Argument(help="A JSON file.")]


@app.command("list")
def list_all(
    search: Annotated[str, typer.Argument(help="Only with these characters in key or title.")] = "",
    json: Json = False,
) -> None:
    """The newest version of each questionnaire."""
    from clinic.ask.versions import list_questionnaires

    settings = get_settings()
    with open_record(settings) as record:
        found = list_questionnaires(record, search=search)
    if json:
        return console.show_json([asdict(each) for each in found])
    time = LocalTime(settings)
    console.show_table(
        "Questionnaires",
        ["Key", "Title", "Version", "Added by", "Retired"],
        [(q.key, q.title, q.version, q.created_by, time.show(q.retired_at)) for q in found],
        right=(2,),
    )
    if found:
        console.next_commands(f"cohort questionnaires preview {found[0].key}")
    else:
        console.next_commands("cohort questionnaires add FILE")


@app.command()
def show(key: Key, version: Number = None, fhir: Fhir = False, json: Json = False) -> None:
    """One questionnaire: who allows its use, what is scored and flagged, and all its versions."""
    from clinic.ask.versions import load_questionnaire, versions_of

    settings = get_settings()
    with open_record(settings) as record:
        versions = versions_of(record, key)
        stored, questionnaire = load_questionnaire(record, key, version)
    if fhir:
        return _show_resource(questionnaire)
    if json:
        return console.show_json([asdict(each) for each in versions])
    console.say_plain(f"{stored.title}, version {stored.version}, SHA-256 {stored.sha256}")
    console.say_plain(questionnaire.copyright)
    _show_meanings(questionnaire)
    time = LocalTime(settings)
    console.show_table(
        "Versions",
        ["Version", "Added", "By", "Retired", "By"],
        [
            (
                v.version,
                time.show(v.created_at),
                v.created_by,
                time.show(v.retired_at),
                v.retired_by,
            )
            for v in versions
        ],
        right=(0,),
    )
    console.next_commands(f"cohort questionnaires preview {key}")


@app.command()
def preview(key: Key, version: Number = None) -> None:
    """A questionnaire as the patient comes to it."""
    from clinic.ask.shown import shown
    from clinic.ask.versions import load_questionnaire

    with open_record(get_settings()) as record:
        _, questionnaire = load_questionnaire(record, key, version)
    for line in shown(questionnaire):
        console.out().print(line, markup=False, highlight=False)
    console.next_commands(f"cohort questionnaires score {key} ANSWERS.json")


@app.command()
def add(file: JsonFile, me: Me = "", secret_fd: SecretFd = None) -> None:
    """
    Add a questionnaire from a file (FHIR R4 JSON), or a new version of one.

    Its `id` is the key; its `copyright` says who allows its wording to be used. What may be in it is in
    docs/questionnaires.md; `cohort questionnaires show phq-9 --fhir` is an example.
    """
    from clinic.ask.file import read_questionnaire
    from clinic.ask.versions import add_questionnaire
    from clinic.clock import SystemClock

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        new = read_questionnaire(file.read_bytes())
        version = add_questionnaire(record, SystemClock(), new, by=by)
    console.say(f"{new.id} is at version {version}.")
    console.next_commands(
        f"cohort questionnaires preview {new.id}", f"cohort questionnaires show {new.id}"
    )


@app.command()
def retire(key: Key, me: Me = "", secret_fd: SecretFd = None) -> None:
    """Send a questionnaire no longer. Its versions stay; to send it again, add it again."""
    from clinic.ask.versions import retire_questionnaire
    from clinic.clock import SystemClock

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        was = retire_questionnaire(record, SystemClock(), key, by=by)
    console.say(f"{key} {'is retired' if was else 'was retired already'}.")
    console.next_commands("cohort questionnaires list")


@app.command()
def score(
    key: Key, file: JsonFile, version: Number = None, fhir: Fhir = False, json: Json = False
) -> None:
    """
    Try answers out: what is dropped, the score, its band, what is flagged. Nothing is kept.

    The file has an answer for each linkId; that of a choice is its code:

      {"item-1": "LA6569-3", "weight": 72.5, "day-5-measured": true}
    """
    from clinic.ask.answers import read_answers, take_answers
    from clinic.ask.response import response_of
    from clinic.ask.scoring import flag_answers, score_answers
    from clinic.ask.versions import load_questionnaire
    from clinic.clock import SystemClock

    settings = get_settings()
    given = read_answers(file.read_bytes())
    with open_record(settings) as record:
        stored, questionnaire = load_questionnaire(record, key, version)
    taken = take_answers(questionnaire, given)
    if fhir:
        _refuse_problems(taken)
        authored = SystemClock().now()
        return _show_resource(response_of(questionnaire, stored.version, taken.answers, authored))
    results = score_answers(questionnaire, taken)
    limits = {
        "systolic": settings.questionnaires.systolic_danger,
        "diastolic": settings.questionnaires.diastolic_danger,
    }
    flags = flag_answers(questionnaire, taken, limits)
    if json:
        console.show_json(_as_json(taken, results, flags))
    else:
        _show_score(taken, results, flags)
    _refuse_problems(taken)


def _show_resource(resource: Any) -> None:
    import orjson

    from clinic.ask.file import json_value, write_questionnaire

    if not isinstance(resource, dict):
        return console.show_json(orjson.loads(write_questionnaire(resource)))
    console.show_json(orjson.loads(orjson.dumps(resource, default=json_value)))


def _show_meanings(questionnaire: Questionnaire) -> None:
    from clinic.ask.extensions import dangers_of, scores_of
    from clinic.ask.items import questions

    console.show_table(
        "Scores",
        ["Score", "Made by", "Bands"],
        [
            (s.name, s.method, "; ".join(f"{b.start}: {b.name}" for b in s.bands))
            for s in scores_of(questionnaire)
        ],
    )
    console.show_table(
        "Flagged",
        ["Item", "From", "The patient is told"],
        [
            (key, d.start if d.start is not None else f"the site's limit, {d.limit}", d.says)
            for key, item in questions(questionnaire).items()
            for d in dangers_of(item)
        ],
    )


def _show_score(taken: Taken, results: tuple[Result, ...], flags: tuple[Flag, ...]) -> None:
    from clinic.ask.shown import NOT_AT_ONCE

    if taken.dropped:
        dropped = ", ".join(taken.dropped)
        console.say_plain(f"Dropped, since another answer switched it off: {dropped}")
    console.show_table(
        "Scores",
        ["Score", "Value", "Band", "Why there is none"],
        [
            (
                r.score.name,
                f"{r.value} {r.score.unit}".strip() if r.value is not None else "no score",
                r.band.name if r.band else "",
                f"not answered: {', '.join(r.missing)}" if r.missing else "",
            )
            for r in results
        ],
    )
    for flag in flags:
        console.say_plain(f"FLAGGED {flag.link_id}: {flag.says}")
    if flags:
        console.say_plain(NOT_AT_ONCE)


def _as_json(taken: Taken, results: tuple[Result, ...], flags: tuple[Flag, ...]) -> dict[str, Any]:
    return {
        "dropped": taken.dropped,
        "problems": [asdict(each) for each in taken.problems],
        "scores": [
            {
                "name": r.score.name,
                "value": None if r.value is None else float(r.value),
                "unit": r.score.unit,
                "band": r.band.name if r.band else None,
                "codes": [f"{c.system}|{c.code}" for c in _codes(r)],
                "missing": r.missing,
            }
            for r in results
        ],
        "flags": [asdict(each) for each in flags],
    }


def _codes(result: Result) -> tuple[Any, ...]:
    """Of the score, and of the band that it came to."""
    own = result.band.code if result.band else None
    return (*result.score.codes, *([own] if own else []))


def _refuse_problems(taken: Taken) -> None:
    from clinic.errors import QuestionnaireRefused

    if taken.problems:
        says = "; ".join(f"{each.link_id}: {each.says}" for each in taken.problems[:10])
        raise QuestionnaireRefused("answers-unfit", f"the answers cannot be taken: {says}")
