"""The doctor's rule about background jobs."""

from collections.abc import Iterator

from django.utils.translation import gettext

from dashboard import jobs
from dashboard.queries.doctor import Facts, Finding, rule

LATE_SECONDS = 30  # for a job that is due; workers that were not woken look every five


@rule
def jobs_that_wait(facts: Facts) -> Iterator[Finding]:
    kinds = (jobs.jobs() or {}).get("kinds", ())
    late = [kind for kind in kinds if (kind["oldest"] or 0) > LATE_SECONDS]
    if not late:
        return
    oldest, number = max(kind["oldest"] for kind in late), sum(kind["waiting"] for kind in late)
    names = ", ".join(kind["name"] for kind in late[:3])
    workers = jobs.workers(facts.live)
    if workers == 0:
        title = gettext("Jobs wait, and no worker that reports is there")
    else:
        title = gettext("Jobs wait for %(seconds)d s") % {"seconds": oldest}
    yield Finding(
        "jobs",
        "critical" if workers == 0 else "warning",
        title,
        gettext("%(number)d are due, the oldest since %(seconds)d s: %(names)s.")
        % {"number": number, "seconds": oldest, "names": names},
        gettext("Letters, webhooks and thumbnails come late or not at all."),
        gettext("Start workers (manage.py runworker), or more of them; see their log for a job that never ends."),
        "channels",
    )
