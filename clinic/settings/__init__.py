"""
Every setting, in one place: the organisation's profile and how this installation runs.

Read once, from `cohort.toml` (in the working directory or named by COHORT_CONFIG) and from the
environment (COHORT_…, nested with two underscores: COHORT_SMS__URL). The environment wins, and a file over
the base file that it extends. A name that is
no setting is an error everywhere: a misspelt setting would silently be another one's default.
`cohort init` writes a `cohort.toml` with every setting and a comment each.
"""

from clinic.settings.campaigns import (
    Contact,
    Content,
    Freshness,
    Halt,
    Needs,
    Pace,
    Pacing,
    Recall,
    Release,
    Replies,
    Sharing,
)
from clinic.settings.gateways import (
    Channels,
    EmailGateway,
    HttpGateway,
    NamedGateway,
    Processor,
    Receipts,
    SmsGateway,
)
from clinic.settings.health import Health
from clinic.settings.hours import Day, Hours, Window, read_window
from clinic.settings.installation import Settings
from clinic.settings.load import Loaded, load_settings, read_settings
from clinic.settings.operations import Access, Notices, Operations, People, Silence, Visits
from clinic.settings.organisation import Gate, Layout, Organisation, Phones, PhoneType, Purposes
from clinic.settings.sources import ImportKind, Imports, SourceFormat, SourceSettings
from clinic.settings.systems.mesh import Mesh
from clinic.settings.systems.outside_record import OutsideRecord

__all__ = [
    "Access",
    "Channels",
    "Contact",
    "Content",
    "Day",
    "EmailGateway",
    "Freshness",
    "Gate",
    "Halt",
    "Health",
    "Hours",
    "HttpGateway",
    "ImportKind",
    "Imports",
    "Layout",
    "Loaded",
    "Mesh",
    "NamedGateway",
    "Needs",
    "Notices",
    "Operations",
    "Organisation",
    "OutsideRecord",
    "Pace",
    "Pacing",
    "People",
    "PhoneType",
    "Phones",
    "Processor",
    "Purposes",
    "Recall",
    "Receipts",
    "Release",
    "Replies",
    "Settings",
    "Sharing",
    "Silence",
    "SmsGateway",
    "SourceFormat",
    "SourceSettings",
    "Visits",
    "Window",
    "load_settings",
    "read_settings",
    "read_window",
]
