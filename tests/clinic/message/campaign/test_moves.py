"""One table says how campaigns move, one function moves them, and nobody else writes a state."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.message.campaign import moves
from clinic.message.campaign.moves import MOVES, before, move
from clinic.message.states import ENDED, CampaignState
from clinic.record.database import Record
from clinic.record.schema.messages import campaign
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients

ROOT = Path(__file__).resolve().parents[4]
S = CampaignState
# A campaign that was missed may go on, though it has ended for the time being
STAY = ENDED - {S.MISSED}


def test_the_picture_is_the_table() -> None:
    lines = re.findall(r"^ {4}(\w+) +──► (.+)$", moves.__doc__ or "", re.M)
    picture = {S(state): {S(word) for word in following.split(", ")} for state, following in lines}
    assert picture == {state: set(following) for state, following in MOVES.items() if following}


def test_every_state_is_in_the_table_and_what_has_ended_stays() -> None:
    assert set(MOVES) == set(S)
    assert {state for state, following in MOVES.items() if not following} == STAY


def test_from_each_state_a_campaign_goes_where_the_table_says_and_nowhere_else(
    record: Record, clock: FakeClock
) -> None:
    add_patients(record, 1)
    add_campaign(record, clock, 1)
    own = campaign.c.id == 1
    for state in S:
        for to in S:
            if not before(to):
                continue  # where none comes from, as the next test shows
            with record.write() as connection:
                connection.execute(sa.update(campaign).values(state=state, state_reason=None))
                gone = move(connection, to, own, state_reason="told")
                row = connection.execute(sa.select(campaign.c.state, campaign.c.state_reason)).one()
            if to in MOVES[state]:
                assert (gone, *row) == ([1], to, "told"), f"{state} → {to}"
            else:
                assert (gone, *row) == ([], state, None), f"{state} → {to}"


@pytest.mark.parametrize(
    ("to", "of"),
    [(S.RUNNING, [S.COMPLETED]), (S.REFUSED, [S.RUNNING]), (S.CHECKING, [S.CHECKING, S.HELD])],
)
def test_a_move_that_there_is_not_cannot_be_asked_for(
    sqlite_record: Record, to: CampaignState, of: list[CampaignState]
) -> None:
    with sqlite_record.write() as connection, pytest.raises(ValueError, match="no campaign moves"):
        move(connection, to, campaign.c.id == 1, of=of)


def test_all_campaigns_are_moved_at_once_only_by_a_condition(sqlite_record: Record) -> None:
    with sqlite_record.write() as connection, pytest.raises(ValueError, match="no campaign moves"):
        move(connection, S.HELD)


def writers(source: str) -> list[int]:
    """The lines at which an UPDATE of the table of campaigns writes a state."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        statement = ast.unparse(node.func.value)
        if node.func.attr == "values" and re.search(r"\bupdate\(campaign\)", statement):
            written = {word.arg for word in node.keywords} | set(
                re.findall(r"'(\w+)':", ast.unparse(node))
            )
            found += [node.lineno] if "state" in written else []
    return found


def test_nobody_else_writes_the_state_of_a_campaign() -> None:
    packages = ("clinic", "data_checks", "tasks", "flows", "cli")
    paths = [
        path
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
    ]
    found = {path.relative_to(ROOT).as_posix() for path in paths if writers(path.read_text())}
    assert found == {"clinic/message/campaign/moves.py"}


@pytest.mark.parametrize(
    "source",
    [
        "c.execute(sa.update(campaign).where(x).values(state='running'))",
        "update(campaign).values({'state': states.RUNNING, 'rows': 1})",
    ],
)
def test_the_search_for_other_writers_finds_them(source: str) -> None:
    assert writers(source)
    assert not writers(source.replace("state", "rows"))
