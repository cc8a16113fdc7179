"""The mailbox of reports: a real Dovecot where it is installed, and servers that cheat (issue 18)."""

from __future__ import annotations

import base64
import contextlib
import socketserver
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic.errors import GatewayBusy, GatewayProblem, GatewayRefused
from clinic.gateway.bounces import mailbox as module
from clinic.gateway.incoming.parse import Incoming
from tests.clinic.gateway.bounces.helpers import reader
from tests.clinic.gateway.bounces.mails import STAMP, arf, block, dsn, plain
from tests.servers.certificates import server_context
from tests.servers.mail.dovecot import Dovecot, can_run, running_dovecot
from tests.servers.mail.imap import OK, scripted_imap
from tests.servers.scripted import Deed, Scripted, drip, hang, hang_up, running

dovecot_only = pytest.mark.skipif(
    not can_run(), reason="Dovecot is not installed, or this is not root: .ci/run installs it"
)


def failed(number: int) -> bytes:
    return dsn(block("failed", "5.1.1"), to=STAMP.sender(number))


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with running_dovecot() as running_one:
        yield running_one


def trust(server: Dovecot) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.authority)


def references(found: Incoming) -> list[int | None]:
    return [one.reference for one in found.receipts]


@dovecot_only
def test_a_mailbox_is_read_page_by_page_from_where_the_last_reading_ended(
    server: Dovecot, tmp_path: Path
) -> None:
    """Whatever is in it: reports, complaints, answers, and what somebody else reads or marks meanwhile."""
    count = module.PAGE + 5
    for number in range(1, count + 1):
        server.put(f"{number:04}", failed(number))
    own = reader(server.port, trust(server), tls="starttls")
    assert own.look() == count
    pages, after = list[Incoming](), None
    while not pages or pages[-1].next != after:
        after = pages[-1].next if pages else None
        pages.append(own.fetch_page(after))
    assert [len(page.receipts) for page in pages] == [module.PAGE, 5, 0]
    assert sorted(str(one) for page in pages for one in references(page)) == sorted(
        str(n) for n in range(1, count + 1)
    )
    server.put("a", plain("Out of office", "Auto-Submitted: auto-replied"))
    server.put("b", arf("abuse", mail_from=STAMP.sender(7)))
    server.put("c", plain("Hello"))
    server.put("f", plain("Lunch?", to="ann@practice.example"))
    server.put("d", failed(9) + b"x" * 3_000_000)
    later = own.fetch_page(after)
    assert (references(later), len(later.complaints), len(later.unread)) == ([9], 1, 1)
    # Another folder by that name: its numbers mean other mails, so all is read again, and kept once
    assert len(own.fetch_page("1:999").receipts) == module.PAGE

    # What was read while it was to stay is kept before it is deleted: somebody's e-mail was left where it was
    emptying = reader(server.port, trust(server), tls="starttls", delete=True)
    assert emptying.look() == count + 5
    first = emptying.fetch_page(later.next)
    assert (len(first.receipts), emptying.look()) == (module.PAGE, count + 5)
    second = emptying.fetch_page(first.next)
    assert emptying.look() == 10
    assert [one.why for one in second.unread] == ["an e-mail that is no report"] * 2
    assert all(
        word in one.body for one, word in zip(second.unread, ("Hello", "Lunch?"), strict=True)
    )
    assert emptying.fetch_page(second.next).next == second.next
    assert emptying.look() == 0
    server.put("e", failed(10))
    assert references(emptying.fetch_page(second.next)) == [10]
    assert emptying.look() == 1  # not before it is kept


def test_a_list_in_several_lines_is_read_to_its_end() -> None:
    lines = b"* SEARCH 3\r\n* SEARCH 1 2\r\n{tag} OK done\r\n"
    with scripted_imap(**(LOGIN | {"SEARCH": lines})) as server:  # type: ignore[arg-type]
        reader(server.port).fetch_page(None)
    assert [line for line in server.requests if b"UID FETCH 1,2,3 " in line]


def test_an_e_mail_that_was_never_read_is_never_deleted() -> None:
    """At the first look all are read where they are to be deleted, not those of the last days alone."""
    with scripted_imap(**LOGIN) as server:  # type: ignore[arg-type]
        found = reader(server.port, delete=True).fetch_page(None)
        assert (references(found), found.next) == ([7], "5:3:kept")
        assert not [line for line in server.requests if b"SINCE" in line or b"STORE" in line]
        assert reader(server.port).fetch_page(found.next).next == "5:3"
        assert not [line for line in server.requests if b"STORE" in line]
        reader(server.port, delete=True).fetch_page(found.next)
    (stored,) = [line for line in server.requests if b"STORE" in line]
    assert b"UID STORE 1:3 " in stored


@dovecot_only
@pytest.mark.parametrize(
    ("wrong", "trusted", "says"),
    [
        ({"password": "wrong"}, True, "no encryption, login or folder"),
        ({"folder": 'No "such" folder'}, True, "no encryption, login or folder"),
        ({"folder": "Dychweliadau â"}, True, "in ASCII"),
        ({"host": "imap..example.org"}, True, "no encryption, login or folder"),
        ({}, False, "certificate of gateways.mail.mailbox.host is not valid"),
    ],
)
def test_a_mailbox_that_is_not_as_set_needs_a_person(
    server: Dovecot, wrong: dict[str, str], trusted: bool, says: str
) -> None:
    own = reader(server.port, trust(server) if trusted else None, tls="starttls", **wrong)
    with pytest.raises(GatewayRefused) as refused:
        own.fetch_page(None)
    assert says in refused.value.says
    assert "secret" not in refused.value.says


MAIL = failed(7)
FETCHED = {
    "FETCH": b"* 1 FETCH (BODY[]<0> {%d}\r\n%b UID 3)\r\n{tag} OK done\r\n" % (len(MAIL), MAIL),
}
LOGIN = FETCHED | {"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n"}


def test_a_server_that_writes_the_number_behind_the_text_is_read_too() -> None:
    with scripted_imap(**LOGIN) as server:
        found = reader(server.port).fetch_page("5:2")
        assert (references(found), found.next) == ([7], "5:3")
        assert (
            reader(server.port).fetch_page("5:3").receipts == []
        )  # "4:*" names the last one all the same


@pytest.mark.parametrize(
    ("deeds", "error"),
    [
        ({"greeting": b"* BYE busy\r\n"}, GatewayRefused),
        ({"greeting": hang_up}, GatewayBusy),
        ({"greeting": hang}, GatewayBusy),
        ({"greeting": b"220 relay ESMTP\r\n"}, GatewayBusy),
        ({"LOGIN": b"{tag} NO [AUTHENTICATIONFAILED]\r\n"}, GatewayRefused),
        ({"LOGIN": hang_up}, GatewayBusy),
        ({"SEARCH": b"{tag} NO no\r\n"}, GatewayRefused),
        ({"SEARCH": b"* SEARCH 3 x\r\n{tag} OK done\r\n"}, GatewayRefused),
        ({"SEARCH": drip(b"* SEARCH" + b" 1" * 500)}, GatewayBusy),
        ({"FETCH": b"* 1 FETCH (UID 3 BODY[]<0> {900000}\r\nFrom"}, GatewayBusy),
        ({"FETCH": hang_up}, GatewayBusy),
    ],
)
def test_a_mailbox_that_breaks_off_is_read_another_time(
    deeds: dict[str, Deed | bytes], error: type[GatewayProblem]
) -> None:
    began = time.monotonic()
    with scripted_imap(**(LOGIN | deeds)) as server, pytest.raises(error):  # type: ignore[arg-type]
        reader(server.port, seconds=0.4).fetch_page(None)
    assert time.monotonic() - began < 60  # a drip would last for ever


@pytest.mark.parametrize(
    "deeds",
    [
        {"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK done\r\n"},
        {"STARTTLS": b"{tag} NO no\r\n"},
        {"STARTTLS": b"{tag} OK done\r\n* PREAUTH welcome\r\n"},
    ],
    ids=["taken away", "refused", "answers injected"],
)
def test_without_encryption_a_mailbox_gets_no_login(deeds: dict[str, bytes]) -> None:
    offers = {"CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS\r\n{tag} OK done\r\n"}
    with scripted_imap(**(offers | deeds)) as server:  # type: ignore[arg-type]
        with pytest.raises(GatewayProblem):
            reader(server.port, seconds=0.4, tls="starttls").fetch_page(None)
    assert not [line for line in server.requests if b"LOGIN" in line or b"AUTH" in line]


def test_another_hosts_certificate_gets_no_login(tmp_path: Path) -> None:
    ours, theirs = server_context(tmp_path, host="other.test", address="127.0.0.9")

    def encrypted(talk: ssl.SSLSocket, ended: object) -> None:
        with contextlib.suppress(OSError):
            ours.wrap_socket(talk, server_side=True).recv(100)

    with scripted_imap(encrypted) as server:  # type: ignore[arg-type]
        with pytest.raises(GatewayRefused, match="certificate"):
            reader(server.port, theirs, tls="implicit").fetch_page(None)
    assert server.requests == []


class Tokens:
    """One token."""

    def token(self) -> str:
        return "t0ken"

    def is_refused(self, token: str) -> bool:
        return False


@pytest.mark.parametrize(
    ("answer", "good"),
    [(b"{tag} OK done\r\n", True), (b"+ eyJzdGF0dXMiOiI0MDEifQ==\r\n", False)],
    ids=["taken", "refused"],
)
def test_a_token_is_the_login_where_one_is_set(answer: bytes, good: bool) -> None:
    """XOAUTH2: what it says of a refusal is answered with nothing, and then it refuses."""
    said: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            talk = self.request
            talk.sendall(b"* OK ready\r\n")
            with talk.makefile("rb") as lines:
                tag = b""
                while line := lines.readline():
                    said.append(line)
                    first, _, rest = line.strip().partition(b" ")
                    if rest.startswith(b"AUTHENTICATE"):
                        tag = first
                        talk.sendall(b"+ \r\n")
                    elif rest:
                        name = rest.removeprefix(b"UID ").split(b" ")[0].decode()
                        talk.sendall(
                            (OK | FETCHED).get(name, b"{tag} OK done\r\n").replace(b"{tag}", first)
                        )
                    elif first:
                        talk.sendall(answer.replace(b"{tag}", tag))
                    else:
                        talk.sendall(tag + b" NO no\r\n")

    script = Scripted(())
    with running(Handler, script):
        own = reader(script.port, tokens=Tokens())
        if good:
            assert references(own.fetch_page(None)) == [7]
        else:
            with pytest.raises(GatewayRefused):
                own.fetch_page(None)
    (token,) = [line for line in said if b" " not in line and line.strip()]
    assert base64.b64decode(token) == b"user=me\x01auth=Bearer t0ken\x01\x01"
