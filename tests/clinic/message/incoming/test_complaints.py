"""A complaint to a mail service (ARF): listed for a person, who decides whether it is an opt-out (issue 18)."""

from __future__ import annotations

import sqlalchemy as sa

from clinic.gateway.received import Complaint
from clinic.message.incoming.replies import apply_replies, list_replies
from clinic.message.incoming.unsubscribe import keep_complaints
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.people import consent
from clinic.record.schema.receipts import address_decision
from clinic.settings import Phones
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients
from tests.references import message_id

PHONES = Phones(test_range=True)


def test_a_complaint_is_listed_once_and_opts_nobody_out_by_itself(
    record: Record, clock: FakeClock
) -> None:
    """The report names our message, and often no address: the record has it."""
    add_patients(record, 1)
    number = add_campaign(record, clock, 1, channel="email")
    one = message_id(number, 1)
    with record.write() as connection:
        connection.execute(sa.update(message).values(channel="email", address="sian@example.org"))
    complaint = Complaint("mail", f"arf {one}", one, clock.now())
    strangers = [Complaint("mail", "arf 1", 1), Complaint("mail", f"arf {one + 1}", one + 1)]
    assert keep_complaints(record, clock, [complaint, *strangers], PHONES) == 1
    assert keep_complaints(record, clock, [complaint], PHONES) == 0
    apply_replies(record, clock, PHONES)
    (listed,) = list_replies(record)
    assert (listed.channel, listed.keyword, listed.may_be_opt_out) == ("email", None, True)
    assert "marked our e-mail as spam" in listed.text
    with record.read() as connection:
        assert connection.execute(sa.select(address_decision)).all() == []
        assert connection.execute(sa.select(consent)).all() == []
