"""A patient is erased by two people: nothing is left, the trail verifies, everybody else's counts stand."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from clinic.change.review.deciding import decide
from clinic.cohort.files import open_list
from clinic.cohort.import_list import take_in_file
from clinic.errors import NotAllowed, NotFound
from clinic.gateway.received import Inbound, Receipt
from clinic.govern.approval_rows import existing
from clinic.govern.audit.key import unlock
from clinic.govern.audit.redacted import ERASED_LIST as FILE
from clinic.govern.audit.trail import verify
from clinic.govern.people.operators import Operator
from clinic.imports.options import Options
from clinic.imports.patients.run import import_patients
from clinic.message.audience.exceptions import decide_for
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.incoming.replies import keep_replies
from clinic.personal_data.erase import erase as erasing
from clinic.personal_data.erase.came_back import reinstate
from clinic.personal_data.erase.erase import (
    ERASURE,
    LIFT,
    RESTRICTION,
    apply,
    apply_said,
    ask,
    finish_all,
)
from clinic.personal_data.erase.strangers import stand_in, take_back
from clinic.personal_data.erase.wrong_list import empty_list
from clinic.practice.safe_contact import set_safe_contact
from clinic.record.database import Record
from clinic.record.schema import METADATA
from clinic.record.schema.clinical import diagnosis
from clinic.record.schema.govern import redaction, restriction
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.messages import message
from clinic.record.schema.people import patient
from clinic.settings import Phones, Settings
from tests.clinic.govern.busy import make_busy
from tests.fakes import FakeClock
from tests.references import message_id

WHO = 2
NUMBER, MOBILE = "9990000018", "+447700900002"
# Each stands for one person alone, wherever it is found
STRINGS = (
    NUMBER, "999 000 0018", "07700900002", MOBILE, "Zephyrine", "Quillfeather", "zq@example.org",
    "14 Refuge Lane", "ZQ9 9ZQ", "ex-partner lives there", "LOCAL-ZQ", "I have the results",
    "tell nobody of Zephyrine", "rare condition of hers",
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir(exist_ok=True)
    return tmp_path / "home"


@pytest.fixture
def busy(record: Record, clock: FakeClock, tmp_path: Path, home: Path) -> Record:
    """The busy practice, in which much is known of patient 2."""
    record = make_busy(unlock(record, home), clock, tmp_path)
    path = tmp_path / "patients.csv"
    head = (
        "EMIS Number,NHS Number,Given Name,Family Name,Date of Birth,Mobile Telephone,E-mail Address,"
        "Address,Postcode"
    )
    path.write_text(
        f"{head}\nL2,{NUMBER},Zephyrine,Quillfeather,31/12/1980,07700900002,zq@example.org,"
        "14 Refuge Lane,ZQ9 9ZQ\n",
        encoding="utf-8",
    )
    import_patients(record, clock, open_list(path), Options(by="nia"))
    listed = tmp_path / "list.csv"
    listed.write_text(
        "NHS Number,Mobile,Notes\n999 000 0018,07700900002,ex-partner lives there\n"
        "9990000999,07700900999,fine\n",
        encoding="utf-8",
    )
    take_in_file(
        record, clock, listed, request_key="k", name="For Zephyrine Quillfeather", scheme="generic",
        taken_by="ann",
    )  # fmt: skip
    set_safe_contact(
        record, clock, WHO, channels=["sms"], number="", reason="tell nobody of Zephyrine", by="mia",
        phones=Settings().phones,
    )  # fmt: skip
    decide_for(
        record, clock, "jab", 3, ["age"], reason="a friend of Zephyrine Quillfeather", by="nia"
    )
    keep_replies(
        record, clock,
        [Inbound("fake", "r1", "sms", MOBILE, "I have the results", clock.now())],
        Settings().phones,
    )  # fmt: skip
    with record.write() as connection:
        connection.execute(
            sa.insert(diagnosis).values(
                patient_id=WHO, text="rare condition of hers", status="active"
            )
        )
        if record.dialect == "postgresql":  # its patients were put in by their numbers
            sequence = sa.func.pg_get_serial_sequence("patient", "id")
            connection.execute(sa.select(sa.func.setval(sequence, sa.func.max(patient.c.id))))
    return record


def approved(
    record: Record, clock: FakeClock, what: str = ERASURE, home: Path = Path(), who: int = WHO
) -> int:
    ann = Operator("ann", "operator", active=True)
    settings = Settings(home=home)
    number = ask(record, clock, settings, who, what=what, by=ann, ground="court order 7")
    mia = Operator("mia", "manager", active=True)
    decide(record, clock, number, operator=mia, decision="approved", note="")
    return number


def erase(record: Record, clock: FakeClock, home: Path) -> dict[str, int]:
    number = approved(record, clock, home=home)
    with record.read() as connection:
        asked = existing(connection, number)
    return apply(record, clock, home, asked)


def everything(record: Record, home: Path) -> str:
    """All rows of all tables; of SQLite every byte of the file and its log; every file of the home."""
    found = []
    with record.read() as connection:
        for table in METADATA.sorted_tables:
            found += [f"{table.name} {tuple(row)}" for row in connection.execute(sa.select(table))]
    paths = [path for path in home.rglob("*") if path.is_file()]
    if record.dialect == "sqlite":
        at = Path(make_url(str(record.engine.url)).database or "")
        paths += at.parent.glob(at.name + "*")
    found += [path.read_bytes().decode("utf-8", "replace") for path in paths]
    return "\n".join(found)


def others(record: Record) -> dict[str, object]:
    """What is counted, and all values of everybody else."""
    with record.read() as connection:
        counted: dict[str, object] = {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table))
            for table in (message, patient, cohort_list, list_row)
        }
        rows = connection.execute(sa.select(message).where(message.c.patient_id != WHO))
        counted["messages"] = [tuple(row) for row in rows]
    return counted


def copied(record: Record, folder: Path) -> Path:
    """A copy of the database's file, which is returned, as a backup has it."""
    at = Path(make_url(str(record.engine.url)).database or "")
    with record.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(at, folder / "backup.db")
    return at


def set_back(record: Record, folder: Path, at: Path) -> None:
    record.close()
    for path in at.parent.glob(at.name + "-*"):
        path.unlink()
    shutil.copy(folder / "backup.db", at)


def test_nothing_of_the_patient_is_left(busy: Record, clock: FakeClock, home: Path) -> None:
    """NEW-36: 0 hits in tables, file, write-ahead log and home; verify holds; the others are as they were."""
    (home / "not-accepted").mkdir()
    (home / "not-accepted" / "campaign-1.csv").write_text(f"2,{NUMBER}\n")
    before = everything(busy, home)
    assert [text for text in STRINGS if text not in before and text != "LOCAL-ZQ"] == []
    counted = others(busy)
    took = erase(busy, clock, home)
    assert took["message"] == 1
    assert took["files"] == 1
    left = everything(busy, home)
    assert [text for text in STRINGS if text in left] == []
    assert others(busy) == counted
    result = verify(busy, None)
    assert result.first_fault is None
    assert result.redactions == (("mia", 1),)


@pytest.mark.parametrize(
    ("given", "strings"),
    [
        ("999 000 0093", ("9990000093", "lodger of hers")),
        ("07700 900555", ("07700900555", "+447700900555", "who is this")),
    ],
    ids=["on a list", "in a reply"],
)
def test_whoever_is_on_no_record_is_erased_by_what_they_are_known_by(
    busy: Record, clock: FakeClock, home: Path, tmp_path: Path, given: str, strings: tuple[str, ...]
) -> None:
    """NEW-36: 0 hits, verify holds, the others stand; and after a restore they are erased again."""
    listed = tmp_path / "more.csv"
    listed.write_text("NHS Number,Mobile,Notes\n9990000093,,lodger of hers\n", encoding="utf-8")
    take_in_file(
        busy, clock, listed, request_key="m", name="More", scheme="generic", taken_by="ann"
    )
    said = Inbound("fake", "r9", "sms", "+447700900555", "who is this", clock.now())
    keep_replies(busy, clock, [said], Phones(test_range=True))
    phones = Phones(test_range=True)
    counted = others(busy)
    key = stand_in(busy, given, phones)
    number = approved(busy, clock, home=home, who=key)
    with busy.read() as connection:
        asked = existing(connection, number)
    apply(busy, clock, home, asked)
    left = everything(busy, home)
    assert [text for text in strings if text in left] == []
    assert verify(busy, None).first_fault is None
    now = others(busy)
    assert now.pop("patient") == counted.pop("patient") + 1, "an empty row stands for them"
    assert now == counted


def test_whoever_is_on_no_record_is_erased_again_after_a_restore(
    busy: Record, clock: FakeClock, home: Path, tmp_path: Path
) -> None:
    """NEW-36: found by the digest of their number, as lists and replies have it; refused: the row goes."""
    if busy.dialect != "sqlite":
        pytest.skip("a file that is copied")
    phones = Phones(test_range=True)
    said = Inbound("fake", "r9", "sms", "+447700900555", "who is this", clock.now())
    keep_replies(busy, clock, [said], phones)
    at = copied(busy, tmp_path)
    number = approved(busy, clock, home=home, who=stand_in(busy, "07700 900555", phones))
    with busy.read() as connection:
        asked = existing(connection, number)
    apply(busy, clock, home, asked)
    set_back(busy, tmp_path, at)
    assert "who is this" in everything(busy, home)
    assert apply_said(busy, clock, home, phones=phones) == {"erasure": 1}
    assert "who is this" not in everything(busy, home)
    again = stand_in(busy, "07700 900666", phones)
    take_back(busy, again)
    with busy.read() as connection:
        assert connection.scalar(sa.select(patient.c.id).where(patient.c.id == again)) is None


def test_what_came_of_it_afterwards_is_still_noted(
    busy: Record, clock: FakeClock, home: Path
) -> None:
    """NEW-36: a receipt of the erased message moves it, and the trail holds."""
    erase(busy, clock, home)
    keep_receipts(
        busy, clock, [Receipt("fake", "e2", message_id(1, WHO), "delivered", None, None, None)]
    )
    apply_receipts(busy, clock)
    assert verify(busy, None).first_fault is None


def test_killed_at_any_step_it_is_run_to_its_end(
    busy: Record, clock: FakeClock, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NEW-36: after each of its steps; who types it again ends it, and no act is written twice."""

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    number = approved(busy, clock, home=home)
    with busy.read() as connection:
        asked = existing(connection, number)
    for step in ("_say", "remove", "find_rows", "erase_rows", "forget_old_pages", "end_redaction"):
        with monkeypatch.context() as patch:
            patch.setattr(erasing, step, killed)
            begin = partial(apply, busy, clock, home, asked)
            go_on = partial(finish_all, busy, clock, home)
            with pytest.raises(Killed):
                (begin if step == "_say" else go_on)()
        assert verify(busy, None).first_fault is None, step
    assert finish_all(busy, clock, home) == 1
    assert finish_all(busy, clock, home) == 0
    left = everything(busy, home)
    assert [text for text in STRINGS if text in left] == []
    assert verify(busy, None).redactions == (("mia", 1),)


def test_a_record_that_was_set_back_is_erased_again(
    busy: Record, clock: FakeClock, home: Path, tmp_path: Path
) -> None:
    """NEW-36: by the list of erasures, though the record has no trace of the approval; once."""
    if busy.dialect != "sqlite":
        pytest.skip("a file that is copied")
    at = copied(busy, tmp_path)
    erase(busy, clock, home)
    assert NUMBER not in (home / FILE).read_text()
    set_back(busy, tmp_path, at)
    assert NUMBER in everything(busy, home)
    assert apply_said(busy, clock, home) == {"erasure": 1}
    assert apply_said(busy, clock, home) == {}
    left = everything(busy, home)
    assert [text for text in STRINGS if text in left] == []
    result = verify(busy, None)
    assert result.first_fault is None
    assert result.redactions == (("mia", 1),)
    forged = (home / FILE).read_text().replace('"mia"', '"max"')
    (home / FILE).write_text(forged)
    with busy.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER refuse_delete_redaction")
        connection.execute(sa.delete(redaction))
    assert apply_said(busy, clock, home) == {}, "a line without our seal counts for nothing"


def test_who_comes_again_in_an_import_is_left_out_until_a_manager_lets_them_in(
    busy: Record, clock: FakeClock, home: Path, tmp_path: Path
) -> None:
    """NEW-36: counted, and nobody else with them; then a new patient, and what was erased stays erased."""
    erase(busy, clock, home)
    if busy.dialect == "postgresql":  # the tests' patients were given their numbers
        with busy.write() as connection:
            connection.exec_driver_sql("SELECT setval(pg_get_serial_sequence('patient', 'id'), 99)")
    path = tmp_path / "again.csv"
    path.write_text(
        f"NHS Number,Given Name,Family Name\n{NUMBER},Zephyrine,Quillfeather\n9990000026,Ann,Other\n"
    )

    def imported() -> dict[str, int]:
        return dict(import_patients(busy, clock, open_list(path), Options(by="nia")).counts)

    assert imported() == {"erased_before": 1, "added": 1}
    assert imported() == {"erased_before": 1, "unchanged": 1}
    ann, mia = Operator("ann", "operator", active=True), Operator("mia", "manager", active=True)
    for by, number, ground, code in (
        (ann, NUMBER, "registered again", "reinstate-role"),
        (mia, NUMBER, f"{NUMBER} is back", "reinstate-ground"),
        (mia, "9990000026", "registered again", "reinstate-nobody"),
    ):
        with pytest.raises((NotAllowed, NotFound), match=code):
            reinstate(busy, clock, number, by=by, ground=ground)
    reinstate(busy, clock, NUMBER, by=mia, ground="registered again")
    with pytest.raises(NotFound, match="reinstate-nobody"):
        reinstate(busy, clock, NUMBER, by=mia, ground="registered again")
    assert imported() == {"added": 1, "unchanged": 1}
    with busy.read() as connection:
        names = connection.scalars(sa.select(patient.c.given_name).where(patient.c.id == WHO))
        assert names.all() == ["[erased]"]
    assert apply_said(busy, clock, home) == {}, "a restored record does not erase them again"
    assert verify(busy, None).first_fault is None


def test_what_is_counted_otherwise_since_is_asked_for_again(
    busy: Record, clock: FakeClock, home: Path
) -> None:
    """NEW-36: another row came after the review."""
    number = approved(busy, clock, home=home)
    with busy.write() as connection:
        connection.execute(sa.insert(diagnosis).values(patient_id=WHO, text="new", status="active"))
    with busy.read() as connection:
        asked = existing(connection, number)
    with pytest.raises(NotAllowed, match="approval-void"):
        apply(busy, clock, home, asked)


def test_a_ground_that_names_them_is_refused(busy: Record, clock: FakeClock, home: Path) -> None:
    """NEW-36: it stays for ever."""
    ann = Operator("ann", "operator", active=True)
    with pytest.raises(NotAllowed, match="ground-names-them"):
        ask(busy, clock, Settings(home=home), WHO, what=ERASURE, by=ann, ground="of 999 000 0018")


def test_a_restriction_holds_until_two_people_lift_it(
    busy: Record, clock: FakeClock, home: Path
) -> None:
    """NEW-36: who asked and approved is on the row, and both are on the trail."""
    for what in (RESTRICTION, LIFT):
        number = approved(busy, clock, what, home)
        with busy.read() as connection:
            asked = existing(connection, number)
        apply(busy, clock, home, asked)
    assert apply_said(busy, clock, home) == {}, "what was lifted is not set again"
    with busy.read() as connection:
        row = connection.execute(sa.select(restriction)).one()
    assert (row.asked_by, row.approved_by, row.lifted_by, row.lift_approved_by) == (
        "ann", "mia", "ann", "mia",
    )  # fmt: skip
    assert verify(busy, None).first_fault is None


def test_a_wrong_list_goes_and_a_stub_stays(busy: Record, clock: FakeClock) -> None:
    """NEW-36: count and SHA-256 stay, the rows and their strings do not; one in use is refused."""
    with busy.read() as connection:
        wrong = connection.execute(
            sa.select(cohort_list).where(cohort_list.c.request_key == "k")
        ).one()
    gone = empty_list(busy, clock, wrong.id, by="mia", reason="another practice's")
    assert (gone.rows, gone.sha256) == (2, wrong.sha256)
    with busy.read() as connection:
        kept = connection.execute(sa.select(cohort_list).where(cohort_list.c.id == wrong.id)).one()
        rows = connection.execute(sa.select(list_row).where(list_row.c.list_id == wrong.id)).all()
    assert (kept.rows, kept.emptied_by, rows) == (2, "mia", [])
    assert verify(busy, None).first_fault is None
    with busy.write() as connection:
        connection.exec_driver_sql("UPDATE campaign SET state = 'running'")
    with pytest.raises(NotAllowed, match="list-in-use"):
        empty_list(busy, clock, 1, by="mia", reason="wrong")
