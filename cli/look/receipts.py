"""`cohort receipts`: receive what the gateway pushes, and see how much of it was applied."""

from __future__ import annotations

from dataclasses import asdict

import typer

from cli import console
from cli.looks.noting import looked
from cli.options import Host, Json, Newest, Port
from cli.wiring import LocalTime, get_settings, open_record

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    What networks and patients tell us: delivery receipts, replies, unsubscribe requests.

    They are kept as they come; the scheduled flow `settle` applies them every five minutes.
    """,
)


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
) -> None:
    """
    Receive receipts, replies and unsubscribe requests over HTTP, until it is told to end (Ctrl-C, SIGTERM).

    Put a reverse proxy with TLS in front of it. The contract is in docs/gateways.md. To each gateway of
    type smpp it binds as a receiver, and takes what comes when nobody sends. With receipts.smtp_port it takes
    reports on e-mails, too, from a relay that brings them.
    """
    from clinic.clock import SystemClock
    from clinic.gateway.bounces.receiver import receiving
    from clinic.gateway.choose import gateway_for
    from clinic.gateway.incoming.callbacks import callbacks_of
    from clinic.gateway.incoming.server import ReceiptServer
    from clinic.gateway.incoming.server import serve as run
    from clinic.gateway.incoming.signature import secret_key
    from clinic.gateway.smpp.listen import listeners_of, listening
    from clinic.gateway.smtp.stamp import stamps_of
    from clinic.message.incoming.inbox import RecordKeeper
    from clinic.settings.gateways import HTTP_SMS

    settings, clock = get_settings(), SystemClock()
    smscs, stamps = listeners_of(settings), stamps_of(settings)
    own = settings.receipts
    callbacks, secret = callbacks_of(settings), settings.receipts.secret.get_secret_value()
    # Our own contract and links need it; without either, gateways by name prove themselves
    key = secret_key(secret) if secret or not (callbacks or smscs) else None
    with open_record(settings) as record:
        name = HTTP_SMS
        if not (settings.sms.url or callbacks or smscs or own.smtp_port):
            gateway = gateway_for(settings, record, "sms")
            gateway.close()
            name = gateway.name
        keeper = RecordKeeper(record, clock, settings.phones, settings.replies)
        server = ReceiptServer(keeper, clock, key=key, gateway=name, callbacks=callbacks)
        at = (host or own.host, own.port if port is None else port)
        if key is not None:
            console.say(f"Receipts are taken at http://{at[0]}:{at[1]}/receipts")
        for one in sorted(callbacks):
            console.say(f"Receipts of {one}: http://{at[0]}:{at[1]}/gateways/{one}/receipts")
        if own.smtp_port:
            console.say(f"Reports on e-mails are taken at {at[0]}:{own.smtp_port} (SMTP)")
        with (
            listening(smscs, keeper, console.say),
            receiving(stamps, keeper, host=at[0], port=own.smtp_port),
        ):
            run(server, host=at[0], port=at[1])


@app.command()
def status(json: Json = False) -> None:
    """How many receipts there are: waiting, applied, fitting no message, and not understood."""
    from clinic.message.incoming.receipts import count_inbox

    with open_record(get_settings()) as record:
        found = asdict(count_inbox(record))
    if json:
        return console.show_json(found)
    rows = [(state.replace("_", " "), count) for state, count in found.items()]
    console.show_table("Receipts", ["State", "Receipts"], rows, right=(1,))
    look = ("cohort receipts unread",) if found["not_understood"] else ()
    console.next_commands(*look, "cohort receipts apply", "cohort campaigns")


@app.command()
def unread(
    limit: Newest = 50,
    json: Json = False,
) -> None:
    """
    What a gateway sent that was not understood, as it came, newest first. It changed no message.

    Compare the words with docs/gateways.md, and ask the provider what they mean.
    """
    from clinic.govern.access.look import Look
    from clinic.message.incoming.unread import list_unread

    settings = get_settings()
    with open_record(settings) as record:
        found = list_unread(record, limit=limit)
        looked(record, settings, Look("unread", None, len(found)))
    if json:
        return console.show_json([asdict(one) for one in found])
    show = LocalTime(settings).show
    console.show_table(
        f"Not understood: {len(found)}",
        ["No", "Received", "Gateway", "Why", "As it came"],
        [(one.id, show(one.at), one.gateway, one.why, one.body) for one in found],
        right=(0,),
    )
    console.next_commands("cohort receipts status")


@app.command()
def apply() -> None:
    """Apply what waits now, without waiting for the scheduled run."""
    from clinic.clock import SystemClock
    from clinic.message.incoming.apply_receipts import apply_receipts
    from clinic.message.incoming.replies import apply_replies
    from clinic.values.text import counted

    settings, clock = get_settings(), SystemClock()
    with open_record(settings) as record:
        done = apply_receipts(record, clock)
        replies = apply_replies(record, clock, settings.phones, settings.replies)
    console.say(
        f"{counted(done.applied, 'receipt')} applied, {done.waiting:,} still without their message's answer, "
        f"{done.ignored + done.unmatched:,} of no message; {counted(replies, 'reply', 'replies')}."
    )
    console.next_commands("cohort replies", "cohort campaigns")
