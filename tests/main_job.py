"""A small practice, and the main job on it step by step: for tests of what the steps promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from clinic.clock import Clock, SystemClock
from clinic.cohort.import_list import take_in_file
from clinic.gateway.protocol import Gateway
from clinic.message.campaign.begin import begin_campaign
from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.message.eligibility.at_sending import left_out, moment_of
from clinic.message.outcomes.save import save_batches
from clinic.message.outcomes.summary import Summary, summarize
from clinic.message.prepare.approve import release_campaign
from clinic.message.prepare.stage import stage
from clinic.message.sending.deliver import deliver
from clinic.message.template.catalogue import NewTemplate, add_template
from clinic.message.template.variables import setting_of
from clinic.message.timing.timing import Timing, timing_of
from clinic.practice.people import nhs_numbers
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.messages import campaign, message, recipient
from clinic.record.schema.outbox import outbox
from clinic.record.schema.people import clinical_item, consent, patient
from clinic.settings import Organisation, Phones, Settings
from data_checks.cohort import check_cohort
from data_checks.gate.verdict import Verdict
from tests.fakes import FakeGateway
from tests.ledgers import make_ledger

# The addresses of what the outbox has taken, one for each time
ADDRESSES_KEPT = sa.select(message.c.address).join(outbox, outbox.c.reference == message.c.id)
_NUMBERS = [str(number) for number in nhs_numbers(np.arange(1, 201), 200)]


def nhs(n: int) -> str:
    """The NHS number of patient `n`, 1 to 200: valid, and never issued."""
    return _NUMBERS[n - 1]


class Practice:
    """
    A record with the template `plain`; patients are added as a test needs them.

    Rows of its lists are numbered as a spreadsheet shows them: the first patient is row 2.
    """

    def __init__(
        self, record: Record, clock: Clock, folder: Path, *, settings: Settings | None = None,
        **organisation: Any,
    ) -> None:  # fmt: skip
        self.record, self.clock, self.folder = record, clock, folder
        self.settings = settings or Settings(
            home=folder,
            record_url=record.engine.url.render_as_string(hide_password=False),
            operator="nia",
            phones=Phones(test_range=True),
            organisation=Organisation(**organisation),
        )
        self.gateway: Gateway = FakeGateway()
        install(record, clock)
        self.template("Hello, your review is due.")

    def template(
        self, body: str, *, key: str = "plain", subject: str | None = "From your practice"
    ) -> None:
        """Make a template, or its next version."""
        add_template(
            self.record, self.clock, NewTemplate(key, key, "review", body, subject), by="nia"
        )

    def patient(self, n: int, **values: Any) -> int:
        """Patient `n`, alive and with a mobile unless told otherwise; the id is `n`."""
        given = {
            "id": n, "nhs_number": nhs(n), "local_id": f"E{n}", "given_name": f"Given{n}",
            "family_name": "Family", "mobile": f"07700900{n:03}", "email": f"p{n}@example.org",
        }  # fmt: skip
        with self.record.write() as connection:
            connection.execute(sa.insert(patient).values(given | values))
        return n

    def patients(self, count: int) -> None:
        """Patients 1 to `count`."""
        for n in range(1, count + 1):
            self.patient(n)

    def decides(self, n: int, decision: str, *, channel: str = "sms", days_ago: int = 0) -> None:
        """Patient `n` opts out or in."""
        from datetime import timedelta

        with self.record.write() as connection:
            connection.execute(
                sa.insert(consent).values(
                    patient_id=n, channel=channel, decision=decision, source="staff",
                    decided_at=self.clock.now() - timedelta(days=days_ago),
                )
            )  # fmt: skip

    def file(self, *rows: str, heading: str = "NHS Number", name: str = "list.csv") -> Path:
        """A CSV of these lines."""
        path = self.folder / name
        path.write_text("\n".join([heading, *rows]) + "\n", encoding="utf-8")
        return path

    def everybody(self, count: int, *, name: str = "list.csv") -> Path:
        """A CSV of the patients 1 to `count`."""
        return self.file(*(nhs(n) for n in range(1, count + 1)), name=name)

    def request(self, cohort: Path | Mapping[str, Any], **values: Any) -> MessageRequest:
        """A request for a file, or for what a `CohortChoice` names."""
        choice = {"file": str(cohort)} if isinstance(cohort, Path) else dict(cohort)
        given = {"list_name": "Reviews", "template": "plain", "request_key": "the-request"}
        return MessageRequest(cohort=CohortChoice(**choice), **(given | values))

    def by_number(self, request: MessageRequest) -> MessageRequest:
        """As the program hands a request on: its file is taken in, and named by the list's number."""
        list_id = take_in_file(
            self.record, SystemClock(), Path(request.cohort.file or ""), request_key=f"{request.cohort.file}",
            name=request.list_name, scheme=self.settings.organisation.id_scheme, taken_by="nia",
        )  # fmt: skip
        return request.model_copy(update={"cohort": CohortChoice(list_id=list_id)})

    def begin(self, cohort: Path | Mapping[str, Any], **values: Any) -> int:
        """Take the cohort in and make its campaign."""
        request = self.request(cohort, **values)
        return begin_campaign(
            self.record, self.clock, self.settings, request,
            request_key=request.request_key or "", gateway=self.gateway.name,
            batch_limit=self.gateway.batch_limit,
        )  # fmt: skip

    def check(self, campaign_id: int, **blocks: int) -> Verdict:
        """Give every row its outcome."""
        return check_cohort(self.record, self.clock, self.settings, campaign_id, **blocks)

    def stage(self, campaign_id: int, **blocks: int) -> int:
        """Render and stage; how many batches."""
        setting = setting_of(self.settings, self.clock.now())
        most = self.settings.organisation.most_segments
        return stage(self.record, campaign_id, setting=setting, most_segments=most, **blocks)

    def send(self, campaign_id: int, batches: int) -> None:
        """Let the campaign go, and send it."""
        timing = timing_of(self.settings)
        release_campaign(self.record, self.clock, self.settings, campaign_id, timing)
        ledger = make_ledger(
            self.record, self.clock, self.folder, settings=self.settings,
            timing=Timing(phones=self.settings.phones),
        )  # fmt: skip
        deliver(ledger, self.gateway, campaign_id, 1, batches)

    def finish(self, campaign_id: int) -> Summary:
        """Check, render, send, save, summarize."""
        self.check(campaign_id)
        batches = self.stage(campaign_id)
        self.send(campaign_id, batches)
        save_batches(self.record, self.clock, campaign_id, 1, batches)
        return summarize(self.record, self.clock, campaign_id)

    def run(self, cohort: Path | Mapping[str, Any], **values: Any) -> Summary:
        """The whole job."""
        return self.finish(self.begin(cohort, **values))

    def outcomes(self, campaign_id: int = 1) -> dict[int, str]:
        """Each row's outcome before sending, with its detail if it has one."""
        with self.record.read() as connection:
            rows = connection.execute(
                sa.select(recipient.c.row_number, recipient.c.outcome, recipient.c.detail)
                .where(recipient.c.campaign_id == campaign_id)
                .order_by(recipient.c.row_number)
            ).all()
        return {row[0]: f"{row[1]} ({row[2]})" if row[2] else row[1] for row in rows}

    def judge(self, cohort: Path | Mapping[str, Any], **values: Any) -> dict[int, str]:
        """Take in and check; each row's outcome."""
        number = self.begin(cohort, **values)
        self.check(number)
        return self.outcomes(number)

    def left_out(self, campaign_id: int, now: datetime) -> dict[int, str]:
        """Whose messages are left out if they are sent then: rows of the list, and the reason of each."""
        which = message.c.campaign_id == campaign_id
        with self.record.read() as connection:
            moment = moment_of(connection, campaign_id, which, now, settings=self.settings)
            base = connection.scalars(
                sa.select(campaign.c.message_base).where(campaign.c.id == campaign_id)
            ).one()
            return {key - base: reason for key, reason in left_out(moment)}

    def items(self) -> list[sa.Row[Any]]:
        """The clinical items with what their messages said, in the order of patients."""
        with self.record.read() as connection:
            said = message.c.address, message.c.subject, message.c.body.label("text")
            both = clinical_item.outerjoin(message, message.c.id == clinical_item.c.id)
            query = sa.select(clinical_item, *said).select_from(both)
            query = query.order_by(clinical_item.c.patient_id)
            return list(connection.execute(query))

    def message_base(self, campaign_id: int) -> int:
        """What a row's number is added to, for the id of its message."""
        with self.record.read() as connection:
            query = sa.select(campaign.c.message_base).where(campaign.c.id == campaign_id)
            return int(connection.execute(query).scalar_one())

    def count(self, table: sa.Table) -> int:
        """How many rows a table has."""
        with self.record.read() as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def tally(outcomes: Mapping[int, str]) -> dict[str, int]:
    """Rows by outcome."""
    return dict(Counter(outcomes.values()))
