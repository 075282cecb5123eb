"""One e-mail of what is still unread, after the minutes that the person chose."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import ngettext

from notifications.models import Notification
from notifications.services.inboxes import inbox_of
from notifications.services.preferences import ways_for
from notifications.services.waiting import digest_job
from realtime import jobs

LISTED = 30  # in one e-mail; the rest is a number


def send_digest(user_id: int) -> int:
    """Send what is unread and in no e-mail yet. Returns how many it tells of; nothing is sent for none.

    They are asked for now, not when they came: what was read, withdrawn or switched off meanwhile is left out. An e-mail
    that was sent just before the process died is sent again: that is better than none. In quiet hours it waits for their
    end: a job that failed comes back whenever it does.
    """
    user = get_user_model().objects.filter(pk=user_id, is_active=True).exclude(email="").first()
    if user is None:
        return 0
    inbox, now = inbox_of(user), timezone.now()
    if inbox.quiet_end(now):
        jobs.enqueue_all([digest_job(inbox, now)])
        return 0
    unread = Notification.objects.of(user).unread().filter(emailed_at=None).order_by("raised_rev")
    kinds = unread.order_by().values_list("kind", "target").distinct()
    wanted = {pair for pair in kinds if (ways := ways_for([user.pk], *pair).get(user.pk)) and ways.email}
    chosen = [notification for notification in unread if (notification.kind, notification.target) in wanted]
    if not chosen:
        return 0
    with translation.override(inbox.reader_language):
        email = EmailMessage(_subject(chosen), _body(user, chosen), to=[user.email])
    email.send()
    Notification.objects.filter(pk__in=[notification.pk for notification in chosen]).update(emailed_at=timezone.now())
    return len(chosen)


def _subject(chosen: list[Notification]) -> str:
    if len(chosen) == 1:
        said = " ".join(chosen[0].text.split())  # a line break would begin another header
    else:
        said = ngettext("{count} notification", "{count} notifications", len(chosen)).format(count=len(chosen))
    return f"{said} · {settings.SITE_NAME}"


def _body(user: object, chosen: list[Notification]) -> str:
    context = {
        "user": user,
        "notifications": [(notification, absolute(notification.url)) for notification in chosen[:LISTED]],
        "more": max(0, len(chosen) - LISTED),
        "inbox": absolute(reverse("notifications:inbox")),
        "settings": absolute(reverse("notifications:settings")),
        "site_name": settings.SITE_NAME,
    }
    return render_to_string("notifications/digest.txt", context)


def absolute(path: str) -> str:
    """A link that works in an e-mail. Without SITE_URL it is the path: we are not told under which name we are reached."""
    return f"{settings.SITE_URL}{path}" if path.startswith("/") else path
