"""Options that commands share: one spelling, one help."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="For scripts: one JSON document.")]
