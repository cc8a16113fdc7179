"""`cohort attachments`: the documents that campaigns lead to, and their links."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.options import CampaignNumber, Json, Why
from cli.proof import Me, SecretFd, prove_me
from cli.wiring import get_settings, open_record

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    The documents that campaigns lead to, and the links that patients open them by.

    [bold]Examples[/]

      cohort attachments preview 12 leaflet.png

      cohort attachments unlock 12 --row 7

      cohort attachments revoke 12 --reason "wrong leaflet"
    """,
)


@app.command()
def preview(
    campaign: CampaignNumber,
    to: Annotated[Path, typer.Argument(metavar="FILE", help="The picture to write.")],
    page: Annotated[int, typer.Option(min=1, help="Which page of a PDF.")] = 1,
) -> None:
    """A page of a campaign's document as a picture, as patients see it (ACX-13)."""
    from clinic.attach.apart import picture_of
    from clinic.attach.limits import Unfit
    from clinic.attach.take_in import content_of, read_attachment
    from clinic.errors import NotFound
    from clinic.message.campaign.campaign import get_campaign

    with open_record(get_settings()) as record, record.read() as connection:
        own = get_campaign(connection, campaign)
        if own.attachment_sha256 is None:
            raise NotFound("attachment-unknown", f"campaign {campaign} leads to no document")
        found = read_attachment(connection, own.attachment_sha256)
        content = content_of(connection, found.sha256)
    try:
        made = picture_of(content, page)
    except Unfit as unfit:
        raise NotFound("attachment-page", f"{found.name}: {unfit}") from None
    to.write_bytes(made.content)
    console.say(f"{found.says}, page {page} of {made.pages}: {to}")


@app.command()
def unlock(
    campaign: CampaignNumber,
    row: Annotated[int, typer.Option(help="The patient's row of the campaign's list.")],
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Let a patient try their link again, after too many wrong dates of birth."""
    from clinic.clock import SystemClock
    from clinic.link.standing import unlock

    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd)
        count = unlock(record, SystemClock(), campaign, row, by=by.name)
    _tell(campaign, count, "unlocked", json)


@app.command()
def revoke(
    campaign: CampaignNumber,
    reason: Why = "",
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Take back every link of a campaign that was sent: none of them leads anywhere any more."""
    from clinic.clock import SystemClock
    from clinic.link.standing import revoke
    from clinic.message.campaign.campaign import get_campaign

    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd)
        with record.read() as connection:
            get_campaign(connection, campaign)  # one that there is
        count = revoke(record, SystemClock(), campaign, by=by.name, reason=reason)
    _tell(campaign, count, "revoked", json)


def _tell(campaign: int, count: int, what: str, json: bool) -> None:
    if json:
        return console.show_json({"campaign_id": campaign, what: count})
    console.say(f"{count:,} link{'s' * (count != 1)} of campaign {campaign} {what}.")
    console.next_commands(f"cohort show {campaign}")
    return None
