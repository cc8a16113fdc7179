"""What strangers wrote is shown by every command and obeyed by none: control characters, markup, direction."""

from __future__ import annotations

import io
import json
import re

import pytest
import sqlalchemy as sa
from rich.panel import Panel
from rich.table import Table

from cli import console
from cli.harmless import Screen, harmless, harmless_json
from clinic.clock import SystemClock
from clinic.gateway.received import Inbound, Receipt, Unread
from clinic.message import states
from clinic.message.codes import message_id
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.incoming.replies import keep_replies
from clinic.message.incoming.unread import keep_unread
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, message
from clinic.settings import Phones
from tests.campaigns import Fate, put_campaign
from tests.cli.conftest import Type

# Clears a screen, sets a title, opens a link, writes backwards, turns direction, closes and opens styles
EVIL = "a\x1b[2J\x1b]0;own\x07b\x9b31mc\rd\u202ee\u2066f\u200f[/b][red][link=http://x.example]g[/]\x00:warning:"
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200f\u202a-\u202e\u2066-\u2069]")


def screen() -> tuple[Screen, io.StringIO]:
    file = io.StringIO()
    return Screen(file=file, width=200, highlight=False, emoji=False, color_system=None), file


@pytest.mark.parametrize(
    "shown",
    [
        EVIL,
        f"[bold]{EVIL}[/]",
        Panel(EVIL),
        "plain [/b] and [b] and [/nothing] stay",
    ],
)
def test_whatever_is_printed_is_shown_and_not_obeyed(shown: object) -> None:
    at, file = screen()
    at.print(shown)
    assert not _OBEYED.search(file.getvalue())
    assert "[/b]" in file.getvalue()


def test_a_table_of_theirs_has_their_words_as_they_stand() -> None:
    at, file = screen()
    table = Table()
    table.add_column(EVIL)
    table.add_row(EVIL)
    at.print(table)
    assert not _OBEYED.search(file.getvalue())
    assert file.getvalue().count("[/b]") == 2


def test_our_own_styles_are_still_styles() -> None:
    file = io.StringIO()
    at = Screen(file=file, width=80, force_terminal=True, color_system="standard", highlight=False)
    at.print("[bold yellow]Warning[/] of [dim]this[/]")
    assert "[bold" not in file.getvalue()
    assert "\x1b[1;33mWarning\x1b[0m" in file.getvalue()


@pytest.mark.parametrize(
    "text", ["Siân", "محمد", "李", "👨\u200d👩\u200d👧", "می\u200cخواهم", "a\tb\nc"]
)
def test_what_people_write_stays(text: str) -> None:
    assert harmless(text) == text


def test_a_document_says_the_same_and_moves_no_terminal() -> None:
    document = json.dumps({"text": EVIL}, ensure_ascii=False)
    assert not _OBEYED.search(harmless_json(document))
    assert json.loads(harmless_json(document)) == {"text": EVIL}


@pytest.fixture
def attacked(installed: Record) -> Record:
    """An installation where every word that strangers can write is hostile."""
    clock = SystemClock()
    fates = [Fate(state=states.ACCEPTED, patient_id=5, body=EVIL.replace("\x00", ""))]
    number = put_campaign(installed, clock, fates, gateway="outbox")
    safe = EVIL.replace("\x00", "")  # no database takes a NUL
    keep_receipts(
        installed, clock, [Receipt("outbox", "1", message_id(number, 2), "undelivered", safe, EVIL)]
    )
    said = Inbound("outbox", "r1", "sms", "+447700900001", safe)
    keep_replies(installed, clock, [said], Phones(test_range=True))
    keep_unread(installed, clock, [Unread("outbox", "d" * 64, safe, safe)])
    with installed.write() as connection:
        connection.execute(sa.update(campaign).values(list_name=safe))
        connection.execute(sa.update(message).values(error_text=safe))
    return installed


@pytest.mark.parametrize(
    "words",
    [
        "replies", "replies 1", "receipts unread", "receipts status", "receipts apply", "campaigns", "show 1",
        "show 1 --errors-only", "review 1", "report", "list ls", "templates list", "approvals", "groups list",
    ],
)  # fmt: skip
@pytest.mark.parametrize("as_json", [False, True])
def test_no_command_obeys_what_strangers_wrote(
    typed: Type, attacked: Record, words: str, as_json: bool
) -> None:
    """A reply, a receipt, a provider's text and the name of a list reach no terminal as they are."""
    done = typed(*words.split(), *(["--json"] if as_json else []))
    assert "MarkupError" not in done.err
    assert not _OBEYED.search(done.out.replace("\r\n", "\n") + done.err)
    if words in ("replies", "replies 1", "receipts unread", "campaigns", "show 1", "report"):
        assert "[/b]" in done.out + done.err


def test_a_heading_that_looks_like_markup_ends_no_import(
    typed: Type, installed: Record, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "p.csv"
    evil = EVIL.replace("\x00", "").replace("\r", "")
    headings = f"NHS Number,Given name,Family name,Mobile,[/b],[red]x,{evil}"
    file.write_text(f"{headings}\n9990000018,Ann,Lee,07700900001,a,b,c\n", encoding="utf-8")
    for words in (["patients", "import", str(file)], ["list", "check", str(file)]):
        done = typed(*words)
        assert "MarkupError" not in done.err
        assert not _OBEYED.search(done.out + done.err)
    assert "[/b]" in typed("patients", "import", str(file)).err


def test_a_table_for_people_shows_every_bracket(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_table("Names [/b]", ["[/i] heading"], [["[red]x\x1b[1m"]])
    assert "[red]x\ufffd[1m" in capsys.readouterr().out
