"""Many requests in one: a Bundle of entries, and the answer to each of them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

BundleType = Literal["transaction", "batch"]
Resource = Mapping[str, Any]
_LONGEST_SAYS: Final = 160
_LONGEST_PATH: Final = 80
# FHIR's IssueType: what else stands in `code` is no code
_ISSUES: Final = frozenset(
    (
        "invalid structure required value invariant security login unknown expired forbidden suppressed "
        "processing not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension "
        "too-costly business-rule conflict transient lock-error no-store exception timeout incomplete "
        "throttled informational success limited-filter"
    ).split()
)
# An element of a resource that we send: "Bundle.entry[0].resource.subject"
_PATH: Final = re.compile(
    r"(?:Bundle|Patient|Communication|Consent|AuditEvent)(?:\.[a-z][A-Za-z]*(?:\[\d{1,4}\])?)*"
)


@dataclass(frozen=True)
class Entry:
    """
    One request of a Bundle.

    if_none_exist: nothing is created where this search finds one
    if_match: nothing is written unless this is the version that is there
    """

    method: Literal["POST", "PUT"]
    url: str
    resource: Resource
    if_none_exist: str = ""
    if_match: str = ""


@dataclass(frozen=True)
class EntryReply:
    """
    What was said of one entry. remote_id, version: of the resource that is there now; empty: not told.

    A success beside an outcome that is an error is none: its status is 422.

    says: of a refusal, the codes and paths of its OperationOutcome; its words may quote a patient
    """

    status: int
    remote_id: str = ""
    version: str = ""
    says: str = ""


def bundle_of(kind: BundleType, entries: Sequence[Entry]) -> bytes:
    """The Bundle as it is sent."""
    return orjson.dumps(
        {"resourceType": "Bundle", "type": kind, "entry": [_entry(entry) for entry in entries]}
    )


def replies_of(body: Mapping[str, Any], count: int) -> list[EntryReply] | None:
    """One for each entry, in their order; None: the answer is no answer to so many."""
    entries = body.get("entry")
    if body.get("resourceType") != "Bundle" or not isinstance(entries, list):
        return None
    found = [_reply(entry) for entry in entries]
    return None if len(found) != count or any(one.status == 0 for one in found) else found


def outcome_says(outcome: Any) -> str:
    """The codes and paths of an OperationOutcome, "invalid Communication.subject", without its words."""
    issues = outcome.get("issue") if isinstance(outcome, dict) else None
    said = []
    for issue in issues if isinstance(issues, list) else ():
        if not isinstance(issue, dict):
            continue
        code = str(issue.get("code", ""))
        paths = issue.get("expression") or issue.get("location") or ()
        path = str(paths[0]) if isinstance(paths, list) and paths else ""
        # A word that is neither may be a patient's, whatever it should have been
        words = [code] if code in _ISSUES else []
        words += [path] if len(path) <= _LONGEST_PATH and _PATH.fullmatch(path) else []
        if words and " ".join(words) not in said:
            said.append(" ".join(words))
    return "; ".join(said)[:_LONGEST_SAYS]


def version_of(resource: Mapping[str, Any]) -> str:
    """The version that a resource says it is; empty: it does not."""
    meta = resource.get("meta")
    return str(meta.get("versionId") or "") if isinstance(meta, dict) else ""


def _entry(entry: Entry) -> dict[str, Any]:
    request = {"method": entry.method, "url": entry.url}
    if entry.if_none_exist:
        request["ifNoneExist"] = entry.if_none_exist
    if entry.if_match:
        request["ifMatch"] = f'W/"{entry.if_match}"'
    made: dict[str, Any] = {"resource": entry.resource, "request": request}
    if entry.method == "POST":
        made["fullUrl"] = f"urn:uuid:{uuid.uuid4()}"
    return made


def _reply(entry: Any) -> EntryReply:
    response = entry.get("response") if isinstance(entry, dict) else None
    if not isinstance(response, dict):
        return EntryReply(0)
    status = re.match(r"[1-5]\d\d\b", str(response.get("status", "")))
    resource = entry.get("resource")
    resource = resource if isinstance(resource, dict) else {}
    where = re.search(r"(?:^|/)[A-Z]\w+/([A-Za-z0-9.-]{1,64})", str(response.get("location", "")))
    version = re.fullmatch(r'(?:W/)?"([^"\s]{1,64})"', str(response.get("etag", "")))
    remote_id = where[1] if where else _id_of(resource)
    outcome = response.get("outcome") or resource
    number = int(status[0]) if status else 0
    return EntryReply(
        status=422 if number < 300 and number and _is_error(outcome) else number,
        remote_id=remote_id,
        version=version[1] if version else version_of(resource),
        says=outcome_says(response.get("outcome") or resource),
    )


def _is_error(outcome: Any) -> bool:
    """Whether this is an OperationOutcome that says that something was not done."""
    if not isinstance(outcome, dict) or outcome.get("resourceType") != "OperationOutcome":
        return False
    issues = outcome.get("issue")
    return any(
        isinstance(one, dict) and one.get("severity") in ("error", "fatal")
        for one in (issues if isinstance(issues, list) else ())
    )


def _id_of(resource: Mapping[str, Any]) -> str:
    if resource.get("resourceType") == "OperationOutcome":
        return ""
    found = str(resource.get("id") or "")
    return found if re.fullmatch(r"[A-Za-z0-9.-]{1,64}", found) else ""
