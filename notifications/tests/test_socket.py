"""The inbox on the socket: live, in step, complete after an absence, and nobody else's."""

from unittest import mock
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from notifications import services
from notifications.models import Inbox, Notification
from notifications.tests.people import InboxTestCase, feed_key
from realtime.limits import unlimited
from realtime.testing import Browser

RAISED, CHANGED = "notifications.item.raised", "notifications.item.changed"
WITHDRAWN, READ = "notifications.item.withdrawn", "notifications.inbox.read"


class LiveTests(InboxTestCase):
    async def page(self, rev=0):
        browser = await Browser.open(self.ann)
        await browser.resume(**{feed_key(self.inbox): rev})
        return browser

    async def test_what_is_told_is_on_every_open_page_with_the_count(self):
        async with await self.page() as one, await self.page() as other:
            await sync_to_async(self.tell)("Ahoy", url="/chat/")
            for page in (one, other):
                frame = await page.expect(RAISED)
                self.assertEqual((frame["text"], frame["unread"], frame["toast"], frame["rev"]), ("Ahoy", 1, True, 1))

    async def test_reading_in_one_tab_clears_it_in_the_other(self):
        notification = await sync_to_async(self.tell)()
        async with await self.page(1) as one, await self.page(1) as other:
            ack = await one.post("notifications.item.mark", self.feed, ids=[notification.pk], mark="read")
            self.assertEqual((ack["type"], ack["rev"]), ("realtime.ack", 2))
            frame = await other.expect(CHANGED)
            self.assertEqual((frame["unread"], frame["is_unread"], frame["id"]), (0, False, notification.pk))

    async def test_marking_all_is_one_frame(self):
        for _ in range(3):
            await sync_to_async(self.tell)()
        async with await self.page(3) as page:
            await page.post("notifications.inbox.mark", self.feed, mark="read")
        frames = [frame for frame in page.frames if frame["type"].startswith("notifications.")]
        self.assertEqual([(frame["type"], frame["unread"], frame["rev"]) for frame in frames], [(READ, 0, 4)])

    async def test_a_command_that_is_sent_again_changes_nothing_more(self):
        notification = await sync_to_async(self.tell)()
        client_id = str(uuid4())
        async with await self.page(1) as page:
            first = await page.post("notifications.item.mark", self.feed, ids=[notification.pk], mark="read", client_id=client_id)
            await page.post("notifications.item.mark", self.feed, ids=[notification.pk], mark="unread")
            again = await page.post("notifications.item.mark", self.feed, ids=[notification.pk], mark="read", client_id=client_id)
        self.assertEqual(first, again)
        self.assertEqual(await sync_to_async(self.unread)(), 1)

    async def test_coming_back_tells_what_was_missed_as_it_is_now(self):
        read = await sync_to_async(self.tell)("read")
        await sync_to_async(self.tell)("withdrawn", dedupe_key="w")
        await sync_to_async(self.tell)("new")
        await sync_to_async(services.mark)(self.ann, [read.pk], "read")
        await sync_to_async(services.withdraw)(self.ann, "w")
        async with await self.page(0) as page:
            told = [(frame["type"], frame["rev"]) for frame in page.frames if frame["type"].startswith("notifications.")]
        self.assertEqual(told, [(RAISED, 3), (RAISED, 4), (WITHDRAWN, 5)])
        self.assertFalse(next(frame for frame in page.frames if frame.get("rev") == 4)["is_unread"])

    async def test_who_missed_too_much_starts_afresh(self):
        with unlimited():
            for number in range(5):
                await sync_to_async(self.tell)(f"{number}")
        with mock.patch("realtime.feeds.WINDOW", 3):
            browser = await Browser.open(self.ann)
            self.assertEqual((await browser.resume(**{feed_key(self.inbox): 0}))["type"], "realtime.feed.reset")
            await browser.close()

    async def test_a_withdrawn_notification_goes_live(self):
        async with await self.page() as page:
            notification = await sync_to_async(self.tell)(dedupe_key="one")
            await page.expect(RAISED)
            await sync_to_async(services.withdraw)(self.ann, "one")
            frame = await page.expect(WITHDRAWN)
            self.assertEqual((frame["id"], frame["unread"]), (notification.pk, 0))

    async def test_in_quiet_hours_nothing_pops_up(self):
        await Inbox.objects.filter(user=self.ann).aupdate(quiet_from="00:00", quiet_until="23:59:59")
        async with await self.page() as page:
            await sync_to_async(self.tell)()
            frame = await page.expect(RAISED)
            self.assertEqual((frame.get("toast"), frame.get("browser"), frame["unread"]), (None, None, 1))


class RightsTests(InboxTestCase):
    async def test_nobody_joins_the_inbox_of_another(self):
        async with await Browser.open(self.bob) as bob:
            await bob.send({"type": "realtime.feed.join", "feed": self.feed})
            self.assertEqual((await bob.expect("realtime.feed.refused", "realtime.feed.live"))["code"], "not_found")
            await sync_to_async(self.tell)()
            await bob.nothing(RAISED)

    async def test_staff_do_not_either(self):
        sam = await User.objects.acreate_superuser("sam")
        async with await Browser.open(sam) as browser:
            await browser.send({"type": "realtime.feed.join", "feed": self.feed})
            self.assertEqual((await browser.expect("realtime.feed.refused", "realtime.feed.live"))["code"], "not_found")

    async def test_a_frame_that_names_the_inbox_of_another_is_refused(self):
        notification = await sync_to_async(self.tell)()
        async with await Browser.open(self.bob) as bob:
            answer = await bob.post("notifications.item.mark", self.feed, ids=[notification.pk], mark="read")
            self.assertEqual(answer["code"], "not_found")
            answer = await bob.post("notifications.inbox.mark", self.feed, mark="done")
            self.assertEqual(answer["code"], "not_found")

    async def test_ids_of_another_in_ones_own_inbox_do_nothing(self):
        notification = await sync_to_async(self.tell)()
        own = await sync_to_async(services.inbox_of)(self.bob)
        async with await Browser.open(self.bob) as bob:
            answer = await bob.post("notifications.item.mark", own.group, ids=[notification.pk], mark="read")
            self.assertEqual(answer["type"], "realtime.ack")
        self.assertEqual(await sync_to_async(self.unread)(), 1)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.integers(0, 5), st.sampled_from(["", "g", "h"])),
        st.tuples(st.just("withdraw"), st.integers(0, 5)),
        st.tuples(
            st.sampled_from(["read", "unread", "done", "undone", "saved", "unsaved"]), st.sets(st.integers(0, 9), max_size=3)
        ),
        st.tuples(st.sampled_from(["read_all", "clear_all", "mark_seen"])),
    ),
    max_size=25,
)


class BadgeTests(HypothesisTestCase):
    """Whatever happens in whatever order, the badge, the feed and the table say the same."""

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps)
    def test_the_badge_never_drifts_from_the_table(self, steps):
        with unlimited():
            person = User.objects.create_user(f"p{uuid4().hex[:12]}")
            for step in steps:
                self.take(person, *step)
        inbox = services.inbox_of(person)
        rows = Notification.objects.of(person)
        self.assertEqual(inbox.unread_count, rows.unread().count())
        self.assertFalse(rows.unread().exclude(done_at=None).exists())
        revisions = list(inbox.notifications.values_list("rev", flat=True))
        self.assertEqual(len(revisions), len(set(revisions)))
        self.assertLessEqual(max(revisions, default=0), inbox.rev)
        for notification in rows:
            self.assertEqual(notification.count, notification.causes.count())

    def take(self, person, what, *how):
        if what == "tell":
            services.notify(person, "chat.reaction", f"text {how[0]}", dedupe_key=f"k{how[0]}", group_key=how[1])
        elif what == "withdraw":
            services.withdraw(person, f"k{how[0]}")
        elif what in {"read_all", "clear_all", "mark_seen"}:
            getattr(services, what)(person)
        else:
            pks = list(Notification.objects.filter(inbox=person.pk).order_by("pk").values_list("pk", flat=True))
            services.mark(person, [pks[index] for index in how[0] if index < len(pks)], what)
