"""`cohort desk serve`: the staff's web pages, a process of their own."""

from __future__ import annotations

import tempfile
from typing import Annotated

import typer

app = typer.Typer(
    help="The staff desk: web pages for the people who do not type commands.", no_args_is_help=True
)


@app.command()
def serve(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Instead of desk.port of the settings.")
    ] = None,
) -> None:
    """
    Serve the desk until it is stopped (Ctrl-C).

    Examples:

      cohort desk serve
    """
    import uvicorn

    from clinic.message.drafts.uploads import spool_folder
    from clinic.settings import load_settings
    from desk.app import create_app
    from desk.background.keeper import Keeper
    from desk.web.encrypted import require_encrypted
    from tasks.wiring import wiring

    settings = load_settings()
    require_encrypted(settings.desk, "desk", "passwords")
    if port is not None:  # the origin of its pages has it, too
        settings = settings.model_copy(
            update={"desk": settings.desk.model_copy(update={"port": port})}
        )
    parts = wiring()
    parts.settings = parts.settings.model_copy(update={"desk": settings.desk})
    own = settings.desk
    typer.echo(f"The desk: {own.address or f'http://{own.host}:{own.port}'}", err=True)
    tempfile.tempdir = str(
        spool_folder(settings.home)
    )  # uploads are spooled there until they are whole
    helper = Keeper()
    helper.start()
    try:
        uvicorn.run(
            create_app(parts), host=own.host, port=own.port, access_log=False, server_header=False,
            log_level="warning", proxy_headers=bool(own.proxies), forwarded_allow_ips=list(own.proxies),
            timeout_graceful_shutdown=10,
        )  # fmt: skip
    finally:
        helper.stop()
