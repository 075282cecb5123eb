"""The one door for writes. Sockets, forms, the API, the admin and commands all come in here.

Each function is one verb. It checks that the person may, writes in one transaction, and broadcasts after the commit.
What is refused raises `Refusal` before anything is written.
"""

from tracker.services.alerts import settle_area_later, settle_later
from tracker.services.areas import (
    Plan,
    announce_area,
    bury_area,
    check_area,
    delete_area,
    get_changeable_area,
    prepare_area,
    save_area,
    watch_of,
)
from tracker.services.bulk import change_many
from tracker.services.imports import upload
from tracker.services.incidents import (
    Report,
    change_incident,
    close_by_staff,
    delete_incident,
    get_changeable,
    report_incident,
    report_incidents,
)
from tracker.services.ingest import ingest
from tracker.services.runs import cancel_run, perform_run
from tracker.services.storing import Edit, announce, bury, check, prepare, store
from tracker.services.tokens import tokens

__all__ = [
    "Edit",
    "Plan",
    "Report",
    "announce",
    "announce_area",
    "bury",
    "bury_area",
    "cancel_run",
    "change_incident",
    "change_many",
    "check",
    "check_area",
    "close_by_staff",
    "delete_area",
    "delete_incident",
    "get_changeable",
    "get_changeable_area",
    "ingest",
    "perform_run",
    "prepare",
    "prepare_area",
    "report_incident",
    "report_incidents",
    "save_area",
    "settle_area_later",
    "settle_later",
    "store",
    "tokens",
    "upload",
    "watch_of",
]
