"""A small record on which everything that the trail seals has happened, and somebody who edits it by SQL."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from clinic.ask.versions import add_questionnaire
from clinic.change.review.deciding import decide
from clinic.cohort.import_list import take_in_ids
from clinic.gateway.received import Receipt
from clinic.govern.approvals.approvals import request_approval
from clinic.govern.people.clinicians import set_clinician
from clinic.govern.people.operators import Operator
from clinic.govern.people.second_step import ask_second_step
from clinic.govern.rules.governed import take_first_values
from clinic.message.audience.audience import Audience
from clinic.message.audience.bounds import Bounds
from clinic.message.audience.exceptions import decide_for
from clinic.message.campaign.override import apply_override, keep_override
from clinic.message.campaign.trail import tell_released, tell_requested
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.outcomes.save import save_batches
from clinic.message.prepare import control
from clinic.message.reminders.stale import accept_stale
from clinic.message.safety.accepted import apply_acceptance, keep_acceptances
from clinic.message.sending.deliver import deliver
from clinic.message.template.catalogue import NewTemplate, add_template
from clinic.record.database import Record
from clinic.record.schema.messages import campaign
from clinic.retention.holds import place_hold
from clinic.retention.stubs import Stub, leave_stub
from clinic.settings import Settings
from tests.clinic.ask.forms import choice, form
from tests.clinic.change.practice import asked, done
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.references import message_id
from tests.selections import select_ids
from tests.staff import add_staff

ONE, TWO = (message_id(1, row) for row in (1, 2))
SECRET = "a long secret of nobody"


def make_busy(record: Record, clock: FakeClock, folder: Path) -> Record:
    """
    People, settings, a list and a template; an approved request, a selection, an operation that was done.

    And a campaign of six that the gate would have stopped: four sent, two cancelled.
    """
    add_staff(record, clock, {"root": "admin", "mia": "manager", "ann": "operator"}, secret=SECRET)
    ask_second_step(record, clock, "mia")
    set_clinician(record, clock, name="mia", registration="GMC 1234567", by="root")
    add_patients(record, 6)
    with record.write() as connection:
        connection.exec_driver_sql("UPDATE patient SET local_id = 'L' || id")
        connection.exec_driver_sql("UPDATE patient SET status = 'on_hold' WHERE id = 3")
    take_first_values(record, clock, Settings(), by="nia")
    recall = Audience(("recall",), Bounds(exclude_groups=("nobodys",)))
    add_questionnaire(record, clock, form(choice("q", 0, 1)), by="ann")
    add_template(
        record, clock, NewTemplate("jab", "Jab", "notice", "Come.", audience=recall), by="nia"
    )
    for lifts in (["never"], ["age"]):
        decide_for(record, clock, "jab", 2, lifts, reason="as she asked", by="nia")
    _message(record, clock, folder)
    place_hold(record, clock, "campaign", 1, reason="an inquiry", by="mia")
    with record.write() as connection:
        stub = Stub("outbox", "outbox", 1, 3, "d" * 64, "retention.outbox_days 30", clock.now())
        leave_stub(connection, stub)
    take_in_ids(record, clock, ["L1", "L9"], request_key="own", name="Two", taken_by="ann")
    with record.write() as connection:
        request_approval(
            connection, clock, subject="operation", subject_id=7, kind="status", digest="d" * 64,
            requested_by="ann", summary={}, reason="facility closes", flow_run_id=None,
            expires_in=timedelta(days=1),
        )  # fmt: skip
    mia = Operator("mia", "manager", active=True)
    decide(record, clock, 1, operator=mia, decision="approved", note="list checked")
    select_ids(record, clock, Settings(), ["L1", "L2", "nobody"], source="ids", taken_by="ann")
    done(record, clock, asked(record, clock, "status", {"to": "on_hold"}, [1, 2, 3]))
    return record


def _message(record: Record, clock: FakeClock, folder: Path) -> None:
    add_campaign(record, clock, 6, batch_size=4, gateway="fake", requested_by="ann")
    keep_override(record, clock, 1, by="ann", reason="the branch has closed")
    keep_acceptances(record, clock, 1, {"name_differs": "known by another name"}, by="ann")
    with record.write() as connection:
        tell_requested(connection, 1, clock.now())
        apply_override(connection, clock, 1, {"suite": "list"}, rows=6)
        apply_acceptance(connection, clock, 1, "name_differs", found={"rows": 1}, rows=1)
        accept_stale(connection, clock, Settings(), 1, by="ann", reason="nothing was moved")
        job = connection.execute(sa.select(campaign)).one()
        tell_released(connection, job, "d" * 64, {"accepted": 6}, clock.now())
    ledger = make_ledger(record, clock, folder)
    deliver(ledger, FakeGateway(), 1, 1, 1)
    control.cancel(record, clock, 1, by="ann", reason="enough")
    save_batches(record, clock, 1, 1, 1)
    keep_receipts(record, clock, [Receipt("fake", "e1", ONE, "delivered", None, None, None)])
    apply_receipts(record, clock)


def past_the_program(record: Record, statement: str) -> None:
    """SQL by somebody who owns the database: neither triggers nor foreign keys stop them."""
    with record.engine.connect() as connection:
        if record.dialect == "sqlite":
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA foreign_keys = OFF")
            triggers = driver.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in triggers.fetchall():
                driver.execute(f"DROP TRIGGER {name}")
            driver.execute(statement)
            driver.execute("PRAGMA foreign_keys = ON")
            return
        connection.exec_driver_sql("SET session_replication_role = replica")
        connection.exec_driver_sql(statement)
        connection.commit()
        connection.exec_driver_sql("SET session_replication_role = DEFAULT")
