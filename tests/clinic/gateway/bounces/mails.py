"""E-mails as they come back, made of their parts."""

from __future__ import annotations

from clinic.gateway.smtp.stamp import Stamp

KEY = b"k" * 16
STAMP = Stamp(KEY, "mail", "bounces@practice.example")
STAMPS = {"mail": STAMP}
DATE = "Date: Mon, 02 Mar 2026 10:00:00 +0000\n"


def multipart(kind: str, to: str, *parts: tuple[str, str]) -> bytes:
    """A multipart/report of `kind`, sent to an address."""
    body = "".join(f"--=_b\nContent-Type: {name}\n\n{text}\n" for name, text in parts)
    return (
        f"{DATE}From: MAILER-DAEMON@relay.test\nTo: {to}\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="=_b"\n\n{body}--=_b--\n'
    ).encode()


def dsn(
    *blocks: str,
    to: str = "",
    envelope_id: str = "",
    prose: str = "user unknown 5.1.1",
    sent: str = "",
) -> bytes:
    """A report of delivery about recipients, each a block of headers."""
    whole = "Reporting-MTA: dns; relay.test\n"
    whole += f"Original-Envelope-Id: {envelope_id}\n" if envelope_id else ""
    return multipart(
        "delivery-status",
        to or "practice@practice.example",
        ("text/plain", prose),
        ("message/delivery-status", "\n".join([whole, *blocks])),
        ("text/rfc822-headers", sent or "Subject: Eich apwyntiad\n"),
    )


def block(action: str, status: str, diagnostic: str = "", to: str = "sian@example.org") -> str:
    """What a report says of a recipient."""
    own = f"Diagnostic-Code: smtp; {diagnostic}\n" if diagnostic else ""
    return f"Final-Recipient: rfc822; {to}\nAction: {action}\nStatus: {status}\n{own}"


def arf(feedback: str, *, mail_from: str = "", returned: str = "") -> bytes:
    """A complaint, as a mail service forwards it."""
    about = f"Feedback-Type: {feedback}\nUser-Agent: isp/1\nVersion: 1\n"
    about += f"Original-Mail-From: <{mail_from}>\n" if mail_from else ""
    return multipart(
        "feedback-report",
        "abuse@practice.example",
        ("text/plain", "This is spam."),
        ("message/feedback-report", about),
        ("message/rfc822", f"{returned}Subject: Eich apwyntiad\n\nSut mae\n"),
    )


def plain(subject: str, *headers: str, to: str = "") -> bytes:
    """A mail that is no report."""
    lines = [f"From: sian@example.org\nTo: {to or STAMP.sender(7)}\nSubject: {subject}", *headers]
    return "\n".join([*lines, "", "I am away until Monday.", ""]).encode()
