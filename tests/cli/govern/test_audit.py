"""`cohort audit` as people type it."""

from __future__ import annotations

import csv
import hashlib
import json
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.govern.audit.trail import Act, record_act
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act, operator
from tests.campaigns import put_patient
from tests.cli.office import Office, hire
from tests.clinic.govern.trail import change


@pytest.fixture
def office(tmp_path: Path, sqlite_record: Record) -> Office:
    """Operation 7 changed patients 1 to 3, operation 8 patient 3 alone."""
    office = Office(tmp_path / "home", sqlite_record)
    hire(office)
    record, clock = office.open(), SystemClock()
    for number, patients in ((7, (1, 2, 3)), (8, (3,))):
        with record.write() as connection:
            change(connection, clock, number, 1, patients)
            act = Act(
                operator="ann",
                approver="max",
                operation_type="status",
                subject="operation",
                subject_id=number,
                patients_affected=len(patients),
                reason="=insurance ends",
            )
            record_act(connection, clock, act)
    record.close()
    return office


def test_the_trail_is_listed_by_operation_operator_and_date(office: Office) -> None:
    """ALC-41."""
    by_operation = office.rows("audit", "list", "--operation", "7")
    assert [(act["operation_type"], act["patients_affected"]) for act in by_operation] == [
        ("status", 3)
    ]
    assert len(office.rows("audit", "list", "--by", "max")) == 2
    assert len(office.rows("audit", "list", "--until", "2001-01-01")) == 0
    assert len(office.rows("audit", "list", "--since", "2001-01-01", "--limit", "1")) == 1
    both = office.run("audit", "list", "--operation", "7", "--campaign", "7")
    assert both.exit_code == 2


@pytest.mark.parametrize(
    ("given", "meant"),
    [("maxx", "did you mean max"), ("An", "did you mean ann"), ("zoltan", "cohort operators list")],
)
def test_a_slip_in_an_operators_name_is_an_error_with_the_nearest_names(
    office: Office, given: str, meant: str
) -> None:
    """ALC-41: an empty answer would be taken for "did nothing"."""
    for words in (["audit", "list"], ["audit", "export", str(office.home / "a.csv")]):
        slip = office.run(*words, "--by", given, me="mia")
        assert (slip.exit_code, "operator-unknown" in slip.output) == (2, True)
        assert meant in slip.output
    assert not (office.home / "a.csv").exists()
    assert len(office.rows("audit", "list", "--by", " Max ")) == 2
    # Who is there and has done nothing is no slip
    assert office.rows("audit", "list", "--by", "root") == []
    nothing = office.run("audit", "list", "--by", "root")
    assert (
        nothing.exit_code,
        "Nothing on the trail is of what was asked for" in nothing.stderr,
    ) == (0, True)


def test_a_campaigns_batches_are_one_line_unless_asked_for_and_whom_an_act_was_about_is_shown(
    office: Office,
) -> None:
    """NEW-10: fifty lines are enough to see what people did in a day of large campaigns."""
    record, clock = office.open(), SystemClock()
    new = {"name": "tim", "role": "team_lead", "active": True}
    with record.write() as connection:
        connection.execute(sa.insert(operator).values(**new, secret_hash="-", **made_by_root()))
        act = Act(
            operator="root", operation_type="operator.added", subject="operator", new_values=new
        )
        record_act(connection, clock, act)
        for number in range(1, 61):
            act = Act(
                operator="ann", operation_type="campaign.sent", subject="campaign", subject_id=4,
                patients_affected=1000, new_values={"batch": number},
            )  # fmt: skip
            record_act(connection, clock, act)
    record.close()
    listed = office.run("audit", "list")
    lines = listed.stdout.splitlines()
    [sent] = [line for line in lines if "campaign.sent" in line]
    assert "campaign.sent ×60\tcampaign 4\t60,000" in sent
    assert any("root\t\toperator.added\toperator tim" in line for line in lines)
    assert "59 acts" in listed.output
    assert "cohort audit list --batches" in listed.output
    each = office.run("audit", "list", "--batches", "--limit", "70").stdout
    assert each.count("campaign.sent\tcampaign 4\t1,000") == 60
    assert len(office.rows("audit", "list", "--campaign", "4", "--limit", "70")) == 60


def made_by_root() -> dict[str, object]:
    return {"created_by": "root", "created_at": SystemClock().now()}


def test_a_patients_trail_is_shown_to_a_proven_manager_and_that_is_written_down(
    office: Office,
) -> None:
    """ALC-41: by patient; reading is audited too (ISO 27789)."""
    refused = office.run("audit", "list", "--patient", "3", "--reason", "audit", me="ann")
    assert (refused.exit_code, "right-missing" in refused.output) == (3, True)
    found = office.rows("audit", "list", "--patient", "3", "--reason", "audit", me="mia")
    assert sorted(act["subject_id"] for act in found) == [7, 8]
    readings = [a for a in office.rows("audit", "list") if a["operation_type"] == "audit.read"]
    assert [json.loads(a["new_values"]) for a in readings] == [{"patient_id": "3"}]


@pytest.mark.parametrize("how", ["removed", "emptied"])
def test_an_anchor_that_is_gone_is_an_alarm_and_never_a_new_one(office: Office, how: str) -> None:
    """NEW-10: with it the end of the trail could be cut off unseen."""
    anchor = office.home / "audit.anchor"
    assert office.run("audit", "verify").exit_code == 0
    if how == "removed":
        anchor.unlink()
    else:
        anchor.write_bytes(b"")
    for _ in range(2):
        verified = office.run("audit", "verify")
        assert (verified.exit_code, "anchor-missing" in verified.output) == (5, True)
        anchored = office.run("audit", "anchor")
        assert (anchored.exit_code, "audit-anchor-missing" in anchored.output) == (5, True)
    assert office.run("audit", "anchor", "--anew", me="mia").exit_code == 2  # without a reason
    why = ("--reason", "disk of the server replaced")
    assert office.run("audit", "anchor", "--anew", *why, me="ann").exit_code == 3
    assert office.run("audit", "anchor", "--anew", *why, me="mia").exit_code == 0
    assert office.run("audit", "verify").exit_code == 0
    [act] = [a for a in office.rows("audit", "list") if a["operation_type"] == "anchor.anew"]
    assert (act["operator"], act["reason"]) == ("mia", "disk of the server replaced")


def test_an_anchor_that_contradicts_the_trail_is_kept_when_a_manager_begins_another(
    office: Office,
) -> None:
    """NEW-10: after a restore; it is the evidence of what was lost."""
    anchor = office.home / "audit.anchor"
    assert office.run("audit", "verify").exit_code == 0
    anchor.write_bytes(anchor.read_bytes() + b"a line of another trail\n")
    before = anchor.read_bytes()
    assert office.run("audit", "anchor").exit_code == 5
    begun = office.run("audit", "anchor", "--anew", "--reason", "restored", me="mia")
    [kept] = office.home.glob("audit.anchor.until-*")
    assert (begun.exit_code, kept.name in begun.output) == (0, True), begun.output
    assert kept.read_bytes() == before
    assert office.run("audit", "verify").exit_code == 0


def test_an_anchor_that_was_named_and_is_not_there_is_an_error(office: Office) -> None:
    done = office.run("audit", "verify", "--anchor", str(office.home / "elsewhere"))
    assert done.exit_code == 2


@pytest.mark.parametrize("given", ["9990010064", "999 001 0064", "999-001-0064", "EM/00120", "3"])
def test_every_identifier_of_a_person_finds_them_and_is_never_sealed(
    office: Office, given: str
) -> None:
    put_patient(office.open(), 3, nhs_number="9990010064", local_id="EM/00120")
    found = office.rows("audit", "list", "--patient", given, "--reason", "audit", me="mia")
    assert sorted(act["subject_id"] for act in found) == [7, 8]
    with office.open().read() as connection:
        sealed = connection.scalars(sa.select(audit_act.c.new_values)).all()
    assert '{"patient_id":"3"}' in sealed
    assert not any("9990010064" in (text or "") or "EM/" in (text or "") for text in sealed)


@pytest.mark.parametrize("given", ["9990010072", "EM/1", "99", "O'Brien", "9" * 30])
def test_nobodys_identifier_is_an_error_and_leaves_no_trace(office: Office, given: str) -> None:
    """An empty answer would be taken for: nothing was done to this patient."""
    before = len(office.rows("audit", "list"))
    done = office.run("audit", "list", "--patient", given, "--reason", "audit", me="mia")
    assert (done.exit_code, "patient-unknown" in done.output) == (2, True)
    assert given not in done.output
    assert len(office.rows("audit", "list")) == before


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (("list", "--operation", "77"), "operation-unknown"),
        (("list", "--campaign", "77"), "campaign-unknown"),
        (("show", "77"), "operation-unknown"),
        (("export", "trail.csv", "--campaign", "77"), "campaign-unknown"),
    ],
)
def test_an_unknown_number_is_an_error(office: Office, asked: tuple[str, ...], code: str) -> None:
    done = office.run("audit", *asked, me="mia")
    assert (done.exit_code, code in done.output) == (2, True)


def test_exports_carry_the_practices_identifiers(office: Office, tmp_path: Path) -> None:
    put_patient(office.open(), 1, nhs_number="9990010064", local_id="=E1")
    put_patient(office.open(), 2, nhs_number="", local_id="\uff1dE2")
    table, lines, events = (tmp_path / name for name in ("a.csv", "a.json", "a.ndjson"))
    for path, form in ((table, "csv"), (lines, "json"), (events, "fhir")):
        exported = office.run("audit", "export", str(path), "--form", form, me="mia")
        assert exported.exit_code == 0
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["nhs_number"], row["local_id"]) for row in rows[:3]] == [
        ("9990010064", "'=E1"), ("", "'\uff1dE2"), ("", ""),
    ]  # fmt: skip
    first = json.loads(lines.read_text().splitlines()[0])
    assert (first["nhs_number"], first["local_id"]) == ("9990010064", "=E1")
    told = [json.loads(line)["entity"][0]["what"] for line in events.read_text().splitlines()]
    assert told[0]["identifier"]["value"] == "9990010064"
    assert told[1]["identifier"]["value"] == "\uff1dE2"
    assert "identifier" not in told[2]


def test_an_operation_is_shown_with_old_and_new_values(office: Office) -> None:
    """ALC-40."""
    shown = office.run("audit", "show", "7", me="mia").stdout
    assert "2\tstatus: active\tstatus: on_hold" in shown
    parts = office.rows("audit", "show", "7", "--limit", "2", me="mia")
    assert [row["patient_id"] for row in parts["patients"]] == [1, 2]
    assert office.run("audit", "show", "7", me="root").exit_code == 3


def test_the_whole_trail_is_verified_and_anchored(office: Office) -> None:
    """NEW-10: verifiable by a command."""
    verified = office.run("audit", "verify")
    assert verified.exit_code == 0
    assert "sealed with the key" in verified.output
    said = office.rows("audit", "verify")
    assert (said["holds"], said["anchored"], said["first_fault"]) == (True, True, None)
    assert (office.home / "audit.anchor").exists()
    assert office.run("audit", "anchor").output.startswith("0 chains")


def test_a_forged_row_is_named_with_exit_code_5(office: Office) -> None:
    record = office.open()
    with record.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER refuse_update_audit_act")
        connection.execute(
            audit_act.update().where(audit_act.c.stream == "operation-8").values(operator="eve")
        )
    record.close()
    verified = office.run("audit", "verify")
    assert verified.exit_code == 5
    assert "row-edited: stream operation-8, block 2, row 1" in verified.output
    assert "Not seen: what comes after this first place" in " ".join(verified.output.split())
    fault = json.loads(office.run("audit", "verify", "--json").stdout)["first_fault"]
    assert (fault["code"], fault["stream"]) == ("row-edited", "operation-8")


def test_the_export_is_its_owners_alone_and_is_written_down_with_its_hash(
    office: Office, tmp_path: Path
) -> None:
    """ALC-41: exportable, and the export is itself audited; ALC-28: the reminder."""
    path = tmp_path / "trail.csv"
    done = office.run("audit", "export", str(path), me="mia")
    assert done.exit_code == 0
    assert "protected health information" in done.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["patient_id"] for row in rows] == ["1", "2", "3", "3"]
    assert {row["reason"] for row in rows} == {"'=insurance ends"}  # no formula
    record = office.open()
    with record.read() as connection:
        acts = connection.execute(
            sa.select(audit_act.c.outcome, audit_act.c.new_values)
            .where(audit_act.c.operation_type == "audit.exported")
            .order_by(audit_act.c.number)
        ).all()
    record.close()
    assert [outcome for outcome, _ in acts] == ["begun", "done"]
    says = json.loads(acts[1].new_values)
    assert says == {
        "form": "csv",
        "rows": 4,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    again = office.run("audit", "export", str(path), me="mia")
    assert (again.exit_code, "export-exists" in again.output) == (3, True)


def test_only_a_manager_exports(office: Office, tmp_path: Path) -> None:
    for who in ("ann", "root"):
        refused = office.run("audit", "export", str(tmp_path / "x.csv"), me=who)
        assert (refused.exit_code, "right-missing" in refused.output) == (3, True)
    assert not (tmp_path / "x.csv").exists()


def test_one_fhir_audit_event_is_written_for_each_patient(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "trail.ndjson"
    office.run(
        "audit",
        "export",
        str(path),
        "--form",
        "fhir",
        "--patient",
        "3",
        "--reason",
        "audit",
        me="mia",
    )
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["resourceType"] for event in events] == ["AuditEvent"] * 2
    assert {event["entity"][0]["what"]["reference"] for event in events} == {"Patient/3"}
    assert "on_hold" not in path.read_text()  # identifiers only, no clinical content
