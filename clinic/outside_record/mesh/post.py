"""
NHS England's own client of MESH, as far as reports need it: send in two pieces, and what became of it.

A message of several pieces is delivered when the last of them is there, and not before. So the headings go
first, and give the id that MESH knows the report by; with it noted, the rows follow. Whatever is cut between,
there is nothing to search for: without an id nothing can arrive, and with one the rows are handed over again,
which MESH takes once (it finds the message by our own id too, but calls that way deprecated).

It is an extra (`pip install "cohort[mesh]"`) and loaded only here. It repeats nothing by itself, follows no
redirect, and uses no proxy of the environment.
"""

from __future__ import annotations

import io
import re
import warnings
from typing import Any, Final, Protocol

from clinic.errors import SettingsWrong
from clinic.settings import Mesh

_WHOLE: Final = ("accepted", "acknowledged")


class NotSent(Exception):
    """Nothing was sent to MESH: it cannot be reached."""


class Unsure(Exception):
    """Whether MESH has this piece is not known."""


class PostRefused(Exception):
    """MESH says no, with a code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Post(Protocol):
    """What sends reports."""

    def begin(self, local_id: str, filename: str, head: bytes) -> str:
        """
        Hand over the first of two pieces; MESH's id of the whole. The practice sees nothing of it.

        Raises:
            NotSent, Unsure, PostRefused: what is known otherwise
        """

    def finish(self, message_id: str, rest: bytes) -> bool:
        """
        Hand over the second piece, which delivers the whole; whether it did so now, and not before.

        Raises:
            NotSent, Unsure, PostRefused: what is known otherwise
        """

    def status(self, message_id: str) -> str:
        """
        "accepted", "acknowledged", or another word of MESH's.

        Raises:
            Unsure: it did not say
        """

    def close(self) -> None:
        """Give back connections."""


class MeshPost:
    """Our mailbox at MESH."""

    def __init__(self, settings: Mesh) -> None:
        """
        Connects at the first request.

        Raises:
            SettingsWrong: the extra is not installed
        """
        try:
            import mesh_client
            import requests
        except ImportError:
            raise SettingsWrong(
                "mesh-missing",
                "reports by MESH need NHS England's client: pip install 'cohort[mesh]'",
            ) from None
        self._settings, self._requests = settings, requests
        certificate = (settings.certificate_file, settings.key_file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self._client = mesh_client.MeshClient(
                settings.url,
                settings.mailbox,
                settings.password.get_secret_value(),
                shared_key=settings.shared_key.get_secret_value().encode(),
                cert=certificate if settings.certificate_file else None,
                verify=settings.authority_file or None,
                max_retries=0,
                timeout=settings.timeout_seconds,
                application_name="cohort",
            )
        session = self._client._session  # what it has no setting for
        session.trust_env, session.max_redirects = False, 0

    def begin(self, local_id: str, filename: str, head: bytes) -> str:
        words = {
            "workflow_id": self._settings.workflow_id, "filename": filename, "local_id": local_id,
            "content_type": "text/csv",
        }  # fmt: skip
        status, said = self._post(head, 1, None, **words)
        message_id = str(said.get("message_id") or "")
        if status not in (200, 202) or not message_id:
            raise PostRefused(_code(said))
        return message_id

    def finish(self, message_id: str, rest: bytes) -> bool:
        status, _ = self._post(rest, 2, message_id)
        if status in (200, 202):
            return True
        # Locked: it is whole already. Whatever else it says, what it has counts
        if status == 423 or self.status(message_id) in _WHOLE:
            return False
        raise PostRefused(f"http-{status}")

    def _post(
        self, piece: bytes, number: int, message_id: str | None, **words: str
    ) -> tuple[int, dict[str, Any]]:
        """What MESH says of one of two pieces: a status below 500, and its words."""
        found: Any = None
        problem: NotSent | Unsure = Unsure()
        try:
            found = self._client.send_chunk(
                self._settings.to_mailbox, io.BytesIO(piece), number, 2, compress=True,
                message_id=message_id, **words,
            )  # fmt: skip
        except self._requests.HTTPError as error:
            found = error.response
        except self._requests.RequestException as error:
            problem = NotSent() if self._never_left(error) else problem
        if found is not None and found.status_code < 500:
            try:
                said = found.json() if found.content else {}
            except ValueError:  # an answer that is no JSON
                said = None
            if isinstance(said, dict) or number == 2:
                return found.status_code, said if isinstance(said, dict) else {}
        raise problem  # outside, so that nothing of the file hangs on it

    def status(self, message_id: str) -> str:
        try:
            found: Any = self._client.track_message(message_id)
        except (self._requests.RequestException, ValueError):
            found = None
        if not isinstance(found, dict) or not found.get("status"):
            raise Unsure
        return str(found["status"]).lower()

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]  # theirs

    def _never_left(self, error: Exception) -> bool:
        """Whether no connection came about."""
        reason = getattr(error.args[0] if error.args else None, "reason", None)
        refused = type(reason).__name__ in ("NewConnectionError", "NameResolutionError")
        return refused or isinstance(error, self._requests.ConnectTimeout)


def _code(said: dict[str, Any]) -> str:
    """MESH's code of a refusal; its words stay unsaid."""
    detail = said.get("detail")
    first = detail[0] if isinstance(detail, list) and detail else said
    code = str(first.get("code") or first.get("errorCode") or "") if isinstance(first, dict) else ""
    return code if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", code) else "refused"
