"""`cohort list delete`: the rows of a wrong or refused list go, with its files."""

from __future__ import annotations

from cli import console
from cli.options import ListNumber, Why
from cli.proof import Me, SecretFd


def delete(
    number: ListNumber,
    reason: Why,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Delete the rows of a wrong or refused list, and the files made of it. Its number, count and SHA-256 stay.

    Refused while a campaign of it is under way. Campaigns of it still show their counts; what was sent stays on
    the record.
    """
    from cli.proof import who_acts
    from cli.wiring import get_settings, open_record
    from clinic.clock import SystemClock
    from clinic.personal_data.erase.files import of_campaigns, remove
    from clinic.personal_data.erase.space import forget_old_pages
    from clinic.personal_data.erase.wrong_list import empty_list

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        gone = empty_list(record, SystemClock(), number, by=by, reason=reason)
        files = remove(of_campaigns(settings.home, gone.campaigns))
        forget_old_pages(record)
    console.say(
        f"List {number}: {gone.rows:,} rows and {files:,} files deleted. What stays: its number, the count, "
        f"and SHA-256 {gone.sha256[:12]}…"
    )
    console.next_commands("cohort list ls")
