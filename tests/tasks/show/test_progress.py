"""The bar of a run moves while a batch is sent, costs little, and never runs back."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from clinic.gateway.protocol import Taken
from clinic.gateway.under_way import UnderWay, decided_by
from tasks.show.progress import Bars, Seen
from tests.fakes import FakeGateway


class Drawn:
    """What was drawn of a bar, and whether something was since somebody last asked."""

    def __init__(self) -> None:
        self.shares: list[float] = []
        self.says: list[str] = []
        self.news = threading.Event()

    def create(self, *, progress: float, key: str, description: str) -> uuid.UUID:
        return uuid.uuid4()

    def update(self, *, artifact_id: uuid.UUID, progress: float, description: str) -> None:
        self.shares.append(progress)
        self.says.append(description)
        self.news.set()

    def wait(self) -> None:
        assert self.news.wait(60), "nothing was drawn"
        self.news.clear()


def bars(drawn: Drawn, record: dict[str, int], **options: Any) -> Bars:
    def look(number: int, further: int) -> Seen:
        done = record["done"] + further
        return Seen(done, 1_000, f"Campaign {number}: {done} processed")

    made = Bars("progress", look, every=0.01, create=drawn.create, update=drawn.update, **options)
    made.start(7)
    return made


def test_it_moves_with_each_answer_within_a_batch_and_ends_where_the_record_is() -> None:
    """Issue 17: a batch of 1,000 in requests of 50, none of it on the record before the last is answered."""
    drawn, record, gateway = Drawn(), {"done": 0}, UnderWay()
    bar = bars(drawn, record)
    with bar.moving(7, gateway.decided):
        with gateway.call(frozenset(range(1_000))) as tally:
            for first in (0, 50, 100):
                for reference in range(first, first + 50):
                    tally.note(reference, Taken(gateway_ref=""))
                while not drawn.shares or drawn.shares[-1] < (first + 50) / 10:
                    drawn.wait()
        record["done"] = 1_000
    assert drawn.shares[-1] == 100.0
    assert drawn.says[-1] == "Campaign 7: 1000 processed"
    assert drawn.shares == sorted(drawn.shares)
    assert any(0 < share < 100 for share in drawn.shares)


def test_between_an_answer_and_its_note_in_the_record_it_stays_where_it_is() -> None:
    drawn, record = Drawn(), {"done": 0}
    bar = bars(drawn, record)
    bar.move(7, 500)
    bar.move(7, 0)
    assert drawn.shares == [50.0, 50.0]


def test_it_is_not_drawn_again_while_nothing_moves() -> None:
    """A gateway that takes minutes for an answer costs the server nothing."""
    drawn, record, looked = Drawn(), {"done": 0}, threading.Semaphore(0)

    def further() -> int:
        looked.release()
        return 0

    with bars(drawn, record).moving(7, further):
        for _ in range(3):
            assert looked.acquire(timeout=60)
    assert drawn.shares == [0.0]  # at the end alone


def test_a_look_that_finds_nothing_new_counts_as_one_too() -> None:
    """Beside a gateway that takes minutes, each of four senders would read the record again and again."""
    looks: list[int] = []
    drawn, clock = Drawn(), [0.0]

    def look(number: int, further: int) -> Seen:
        looks.append(further)
        return Seen(0, 1_000, "nothing yet")

    bar = Bars(
        "progress", look, every=2.0, now=lambda: clock[0], create=drawn.create, update=drawn.update
    )
    bar.start(7)
    for clock[0] in (10.0, 13.0):
        for _ in range(4):
            bar.move(7, by_itself=True)
    assert (len(looks), drawn.shares) == (3, [])


def test_a_gateway_that_takes_a_batch_as_a_whole_has_nothing_to_tell_meanwhile() -> None:
    assert decided_by(FakeGateway()) == 0
