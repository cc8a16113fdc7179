"""NEW-41: one patient's subject access holds everything of theirs, and nothing of anybody else's."""

from __future__ import annotations

import json
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from openpyxl import Workbook

from clinic.errors import CohortRefused, NotAllowed
from clinic.govern.people.operators import Operator
from clinic.personal_data.access.request import Answered, Request, answer
from clinic.personal_data.catalogue import CATALOGUE
from clinic.record.database import Record
from clinic.record.schema.clinical import patient_need
from clinic.record.schema.govern import audit_act
from clinic.record.schema.lists import list_row
from clinic.record.schema.people import patient
from clinic.record.schema.receipts import address_decision, reply
from clinic.record.schema.safety import safe_contact
from clinic.settings import Settings
from tests.clinic.personal_data.everywhere import MOBILE, NHS, fill_everywhere
from tests.fakes import FakeClock

MIA = Operator("mia", "manager", active=True)
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def ask(record: Record, folder: Path, given: str, **more: object) -> Answered:
    request = Request(given=given, reason="asked on 2 March", **more)  # type: ignore[arg-type]
    settings = Settings(home=folder / "home", phones={"test_range": True})
    return answer(
        record, FakeClock(), settings, request, folder / "to", by=MIA, looks=lambda _: None
    )


def test_every_word_of_one_is_in_their_files_and_no_word_of_the_other(
    record: Record, tmp_path: Path
) -> None:
    """NEW-41: a word in every column of every table and in files, and all that a check may keep out shown."""
    everywhere = fill_everywhere(record)
    write_files(tmp_path / "home")
    first = ask(record, tmp_path, NHS[1])
    done = ask(record, tmp_path, NHS[1], disclosed=first.to_check)
    assert done.withheld == {"third-person": 1}, (
        "the reason of the first, which is on the trail now"
    )
    for path in (done.html, done.json):
        text = path.read_text(encoding="utf-8")
        missing = {
            place for place, word in everywhere.of(1).items() if _shown(place) and word not in text
        }
        assert missing == set()
        assert [place for place, word in everywhere.of(2).items() if word in text] == []
        assert all(word in text for word in ("in-a-csv-1", "in-a-sheet-1"))
        assert all(word not in text for word in ("in-a-csv-2", "in-a-sheet-2", NHS[2], MOBILE[2]))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _shown(place: str) -> bool:
    table, _, column = place.partition(".")
    return CATALOGUE[table].held[column].section is not None


def write_files(home: Path) -> None:
    for folder in ("exports", "not-accepted"):
        (home / folder).mkdir(parents=True)
    lines = [f"{NHS[one]},in-a-csv-{one}" for one in (1, 2)]
    (home / "not-accepted" / "flu.csv").write_text("\n".join(["NHS Number,Note", *lines]))
    book = Workbook()
    book.active.append(["NHS Number", "Note"])
    for one in (1, 2):
        book.active.append([f"{NHS[one][:3]} {NHS[one][3:6]} {NHS[one][6:]}", f"in-a-sheet-{one}"])
    book.save(home / "exports" / "export-1.xlsx")


def test_a_third_person_is_kept_out_until_somebody_has_looked(
    record: Record, tmp_path: Path
) -> None:
    """NEW-41: a proxy's number and name are another's; what is withheld besides has its ground."""
    everywhere = fill_everywhere(record)
    proxy = everywhere.of(1)["patient_need.proxy_name"]
    first = ask(record, tmp_path, NHS[1])
    assert proxy not in first.json.read_text()
    assert "patient_need-1" in first.to_check
    shown = ask(record, tmp_path, NHS[1], disclosed=["patient_need-1"])
    assert proxy in shown.json.read_text()
    harm = ask(record, tmp_path, NHS[1], withheld=["reply-1:text"], ground="serious-harm")
    assert everywhere.of(1)["reply.text"] not in harm.json.read_text()
    assert harm.withheld["serious-harm"] == 1
    assert "Schedule 3, paragraph 5" in harm.html.read_text()
    with pytest.raises(CohortRefused) as unknown:
        ask(record, tmp_path, NHS[1], withheld=["reply-2"], ground="serious-harm")
    assert unknown.value.code == "subject-access-item"


def test_the_trail_says_that_it_was_answered_in_counts_alone(
    record: Record, tmp_path: Path
) -> None:
    """NEW-41: what is sealed cannot be erased, so it has a key and counts."""
    everywhere = fill_everywhere(record)
    done = ask(record, tmp_path, NHS[1])
    with record.read() as connection:
        act = connection.execute(
            sa.select(audit_act).where(audit_act.c.operation_type == "subject-access.answered")
        ).one()
    assert (act.subject, act.subject_id, act.operator) == ("patient", 1, "mia")
    assert json.loads(act.new_values) == {"entries": done.entries, "withheld": done.withheld}
    said = " ".join(map(str, act))
    assert not [word for word in (*everywhere.of(1).values(), NHS[1], MOBILE[1]) if word in said]


def test_a_reply_from_a_number_of_two_is_kept_out_until_somebody_has_looked(
    record: Record, tmp_path: Path
) -> None:
    """NEW-41: who of the two wrote it, nobody knows; their own texts are shown all the same."""
    everywhere = fill_everywhere(record)
    with record.write() as connection:
        connection.execute(patient.update().where(patient.c.id == 2).values(mobile=MOBILE[1]))
    folder = tmp_path / "home" / "not-accepted"
    folder.mkdir(parents=True)
    lines = [f"{NHS[one]},{MOBILE[1]},line of {one}" for one in (1, 2)]
    (folder / "flu.csv").write_text("\n".join(["NHS Number,Mobile,Note", *lines]))
    for one in (1, 2):
        text = ask(record, tmp_path, NHS[one]).json.read_text()
        assert everywhere.of(1)["reply.text"] not in text
        assert everywhere.of(one)["message.body"] in text
        assert everywhere.of(3 - one)["message.body"] not in text
        assert everywhere.of(3 - one)["list_row.cells"] not in text
        assert f"line of {one}" in text
        assert f"line of {3 - one}" not in text


def test_who_is_known_by_a_number_alone_gets_what_is_held_of_it(
    record: Record, tmp_path: Path
) -> None:
    """NEW-41: their reply and their STOP; a number of a patient is asked for by the NHS number."""
    everywhere = fill_everywhere(record)
    with record.write() as connection:
        connection.execute(
            reply.insert(),
            [{"id": 3, "gateway": "sms", "event_id": "e3", "channel": "sms", "address": "+447700900109",
              "text": "wrong number", "happened_at": AT, "received_at": AT}],
        )  # fmt: skip
        connection.execute(
            address_decision.insert(),
            [{"channel": "sms", "address": "+447700900109", "decision": "opt_out", "decided_at": AT,
              "evidence": "reply 3"}],
        )  # fmt: skip
    text = ask(record, tmp_path, "07700 900109").json.read_text()
    assert "wrong number" in text
    assert "opt_out" in text
    words = (*everywhere.of(1).items(), *everywhere.of(2).items())
    assert [place for place, word in words if word in text] == []
    with pytest.raises(CohortRefused) as patients:
        ask(record, tmp_path, "07700 900101")
    assert patients.value.code == "subject-access-patient"
    with pytest.raises(CohortRefused) as nobody:
        ask(record, tmp_path, "Lee")
    assert nobody.value.code == "subject-access-who"


def test_only_a_manager_answers(record: Record, tmp_path: Path) -> None:
    """NEW-41: it is everything of one person in one file; who may not gets none."""
    fill_everywhere(record)
    request = Request(given=NHS[1], reason="curious")
    ann = Operator("ann", "operator", active=True)
    with pytest.raises(NotAllowed):
        answer(
            record,
            FakeClock(),
            Settings(home=tmp_path),
            request,
            tmp_path / "to",
            by=ann,
            looks=lambda _: None,
        )
    assert not (tmp_path / "to").exists()


def known_otherwise(record: Record) -> None:
    """Ann Lee (1) has the number now that 2 had and is 2's proxy; she is on a list without a number."""
    with record.write() as connection:
        own = {"given_name": "Ann", "family_name": "Lee", "birth_date": date(1980, 12, 31)}
        for key, values in ((2, {"mobile": "07700900999"}), (1, own | {"mobile": "07700 900102"})):
            connection.execute(patient.update().where(patient.c.id == key).values(**values))
        need = patient_need.c
        connection.execute(
            patient_need.update().where(need.patient_id == 2).values(proxy_mobile="+44 7700 900102")
        )
        for row, cells in enumerate(
            (["Ann", "LEE", "31/12/1980", "xq-late"], ["Ann", "Lee", "1/1/1980", "no"])
        ):
            values = {"list_id": 1, "row_number": 900 + row, "cells": json.dumps(cells)}
            connection.execute(
                list_row.insert().values(**values, unreadable=False, patient_id=None)
            )


def test_what_names_them_otherwise_is_found_and_kept_out_until_somebody_has_looked(
    record: Record, tmp_path: Path
) -> None:
    """NEW-41: by name and birth date, as a proxy, and what went to their number by mistake."""
    everywhere = fill_everywhere(record)
    known_otherwise(record)
    first = ask(record, tmp_path, NHS[1])
    others = {"patient_need-2", "message-2", "list_row-1-900"}
    assert others <= set(first.to_check)
    assert "list_row-1-901" not in first.json.read_text()
    for word in (
        everywhere.of(2)["message.body"],
        everywhere.of(2)["patient_need.proxy_name"],
        "xq-late",
    ):
        assert word not in first.json.read_text()
    shown = ask(record, tmp_path, NHS[1], disclosed=["message-2:body", "list_row-1-900"])
    text = shown.json.read_text()
    assert everywhere.of(2)["message.body"] in text
    assert "xq-late" in text


def test_words_that_are_withheld_are_withheld_wherever_they_stand(
    record: Record, tmp_path: Path
) -> None:
    """NEW-41: a proxy's number in a row of a list, and a text that stands in two places."""
    everywhere = fill_everywhere(record)
    proxy = everywhere.of(1)["patient_need.proxy_name"]
    with record.write() as connection:
        connection.execute(
            reply.update().where(reply.c.id == 1).values(text=f"ask {proxy.upper()}, not me")
        )
        text = everywhere.of(1)["message.body"]
        values = {"list_id": 1, "row_number": 900, "cells": json.dumps([f"Again: {text}"])}
        connection.execute(list_row.insert().values(**values, unreadable=False, patient_id=1))
    first = ask(record, tmp_path, NHS[1])
    assert "reply-1" in first.to_check
    assert proxy.upper() not in first.json.read_text()
    shown = ask(record, tmp_path, NHS[1], disclosed=["reply-1"])
    assert proxy.upper() in shown.json.read_text()
    harm = ask(record, tmp_path, NHS[1], withheld=["message-1:body"], ground="serious-harm")
    assert text not in harm.json.read_text()
    assert harm.withheld["serious-harm"] == 2


def test_whoever_got_a_text_of_somebody_else_may_ask_by_their_number(
    record: Record, tmp_path: Path
) -> None:
    """NEW-41: the number was wrong, and is on no record now: what went there is found and checked first."""
    everywhere = fill_everywhere(record)
    with record.write() as connection:
        own = patient.c.id == 2
        connection.execute(patient.update().where(own).values(mobile="07700900999"))
        safe = safe_contact.c.patient_id == 2
        connection.execute(safe_contact.update().where(safe).values(number=None))
    asked = ask(record, tmp_path, MOBILE[2])
    assert "message-2" in asked.to_check
    text = asked.json.read_text()
    # The channel is a part of its entry's name: "sms", where it is no word of a test
    words = {
        place: word
        for place, word in everywhere.of(2).items()
        if place != "address_decision.channel"
    }
    assert [place for place, word in words.items() if word in text] == []
