"""
Two ways in which such programs are written, kept as negative controls: the harness must catch both.

    send_then_record        a kill in between, and everybody in the batch is messaged twice
    checkpoint_then_send    a kill in between, and everybody in the batch is never messaged
"""

from __future__ import annotations

import sqlalchemy as sa

from clinic.gateway.http.sms import HttpSms
from clinic.gateway.protocol import Outgoing
from clinic.message import states
from clinic.record.database import Record
from clinic.record.schema.messages import batch, message
from clinic.settings import SmsGateway
from tests.kill.job import Plug


def run_naive(order: str, url: str, gateway_url: str, hit: int) -> None:
    """Send every batch that is not done, in the order that makes the mistake; die in the `hit`-th."""
    plug = Plug("between", hit)
    record = Record.open(url)
    gateway = HttpSms(
        SmsGateway.model_validate({"url": gateway_url, "token": "t", "gateway_class": "B"})
    )
    with record.read() as connection:
        todo = connection.scalars(sa.select(batch.c.id).where(batch.c.state != states.DONE)).all()
    for number in todo:
        with record.read() as connection:
            rows = connection.execute(
                sa.select(message.c.id, message.c.address, message.c.body).where(
                    message.c.batch_id == number
                )
            )
            messages = [Outgoing(*row) for row in rows]
        if order == "checkpoint_then_send":
            _mark(record, number)
            plug("between")
        gateway.send(
            f"naive-{number}", messages, per_request=1000,
            only=frozenset(m.reference for m in messages),
        )  # fmt: skip
        if order == "send_then_record":
            plug("between")
            _mark(record, number)
    gateway.close()


def _mark(record: Record, number: int) -> None:
    with record.write() as connection:
        connection.execute(
            sa.update(message).where(message.c.batch_id == number).values(state=states.ACCEPTED)
        )
        connection.execute(sa.update(batch).where(batch.c.id == number).values(state=states.DONE))
