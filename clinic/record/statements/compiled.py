"""
Statements are compiled once a process, not once for each record that it opens.

SQLAlchemy keeps what it compiled by dialect, and each engine has one of its own. Who opens one record
after another (a restore, a move to another database, each test) would compile every statement again: a
fifth of the time of a small campaign.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Dialect, Engine, event
from sqlalchemy.util import LRUCache

_MOST: Final = 2_000  # statements of a server

_Shared = tuple[Dialect, LRUCache[Any, Any]]
_known: dict[tuple[object, ...], _Shared] = {}


def share_compiled(engine: Engine) -> Engine:
    """Let this engine use what others with the same driver and server compiled, and they what it will."""
    # Servers may be of different versions, which speak differently
    url = engine.url
    server = (engine.dialect.dbapi, url.host, url.port, frozenset(url.query.items()))

    def adopt(dialect: Dialect, compiled: LRUCache[Any, Any]) -> None:
        engine.dialect = dialect
        engine.update_execution_options(compiled_cache=compiled)

    def offer(*_: object) -> None:
        adopt(*_known.setdefault(server, (engine.dialect, LRUCache(_MOST))))

    if server in _known:
        adopt(*_known[server])
    else:
        # Not before it has seen the server: it then knows its version
        event.listen(engine, "connect", offer)
    return engine
