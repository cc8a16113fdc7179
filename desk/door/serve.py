"""`cohort door serve`: the pages of patients, a process and an origin of their own."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    help="The door of patients: web pages that messages lead to.", no_args_is_help=True
)


@app.command()
def serve(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Instead of door.port of the settings.")
    ] = None,
) -> None:
    """
    Serve the door until it is stopped (Ctrl-C).

    Examples:

      cohort door serve
    """
    import uvicorn

    from clinic.clock import SystemClock
    from clinic.record.database import Record, require_durable
    from clinic.record.private import keep_to_owner
    from clinic.record.version import require_current
    from clinic.settings import load_settings
    from desk.door.app import create_door
    from desk.web.encrypted import require_encrypted

    keep_to_owner()
    settings = load_settings()
    require_encrypted(settings.door, "door", "dates of birth")
    own = settings.door if port is None else settings.door.model_copy(update={"port": port})
    settings = settings.model_copy(update={"door": own})
    record = Record.open(settings.database_url)
    require_current(record)
    require_durable(record)
    typer.echo(f"The door: {own.address or f'http://{own.host}:{own.port}'}", err=True)
    uvicorn.run(
        create_door(settings, record, SystemClock()), host=own.host, port=own.port, access_log=False,
        server_header=False, log_level="warning", proxy_headers=bool(own.proxies),
        forwarded_allow_ips=list(own.proxies), timeout_graceful_shutdown=10,
    )  # fmt: skip
    record.close()
