"""Who is alerted of what, and when it is taken back."""

from unittest import mock

from django.contrib.auth.models import User

from realtime import jobs
from realtime.signals import user_notification_withdrawn, user_notified
from realtime.testing import RealtimeTestCase
from tracker.consumers import WatchFeed
from tracker.events import PostDelete
from tracker.models import Alert, AreaOfInterest, Incident, MapQuerySet, Severity, Watch
from tracker.services import alerts
from tracker.tests.people import change, draw, person, report, square


class AlertCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.ann, self.bob, self.sam = person("ann"), person("bob"), person("sam", is_staff=True)
        self.told, self.withdrawn = [], []
        self.listen(user_notified, lambda user, text, dedupe_key, **_: self.told.append((user.username, text, dedupe_key)))
        self.listen(user_notification_withdrawn, lambda user, dedupe_key, **_: self.withdrawn.append((user, dedupe_key)))

    def listen(self, signal, listener):
        signal.connect(listener, weak=False)
        self.addCleanup(signal.disconnect, listener)

    def texts(self):
        return [(name, text) for name, text, _ in self.told]


class TellingTests(AlertCase):
    def test_the_owner_of_the_area_is_told_and_nobody_else(self):
        draw(self.ann)
        draw(self.bob, square(50, 50))
        report(self.sam)
        self.assertEqual(self.texts(), [("ann", "Medium: Flood")])

    def test_the_reporter_is_told_of_what_is_in_their_own_area(self):
        draw(self.ann)
        report(self.ann)
        self.assertEqual(len(self.told), 1)

    def test_an_area_hears_of_its_severity_and_worse(self):
        for severity in Severity:
            draw(self.ann, severity=severity, name=severity.label)
        for severity in Severity:
            incident = report(self.sam, severity=severity)
            told = [alert.area.severity for alert in incident.alerts.select_related("area")]
            self.assertCountEqual(told, incident.alert_severities)
            self.assertCountEqual(told, [other for other in Severity if other >= severity])

    def test_several_areas_of_one_person_are_one_notification(self):
        draw(self.ann, name="Harbour")
        draw(self.ann, name="Old town")
        incident = report(self.sam)
        self.assertEqual(len(self.told), 1)
        self.assertEqual(incident.alerts.count(), 2)

    def test_an_area_that_is_switched_off_hears_nothing(self):
        draw(self.ann, is_active=False)
        report(self.sam)
        self.assertEqual(self.told, [])

    def test_a_change_that_does_not_matter_tells_nobody_again(self):
        draw(self.ann)
        incident = report(self.sam)
        change(self.sam, incident, name="Flood at the quay")
        change(self.sam, incident, lon=6.0)
        change(self.sam, incident, severity=Severity.LOW)
        self.assertEqual(len(self.told), 1)

    def test_raised_it_is_told_again_in_one_line(self):
        draw(self.ann)
        incident = report(self.sam)
        first = self.told[0][2]
        change(self.sam, incident, severity=Severity.URGENT)
        self.assertEqual(self.texts()[1:], [("ann", "Urgent: Flood")])
        self.assertIn(first, [key for _, key in self.withdrawn])
        self.assertEqual(incident.alerts.get().reason, "raised")

    def test_lowered_and_raised_again_it_is_told_again(self):
        draw(self.ann)
        incident = report(self.sam, severity=Severity.HIGH)
        change(self.sam, incident, severity=Severity.LOW)
        change(self.sam, incident, severity=Severity.HIGH)
        self.assertEqual(len(self.told), 2)

    def test_raised_over_the_bar_of_an_area_it_is_told(self):
        draw(self.ann, severity=Severity.HIGH)
        incident = report(self.sam, severity=Severity.LOW)
        self.assertEqual(self.told, [])
        change(self.sam, incident, severity=Severity.HIGH)
        self.assertEqual(incident.alerts.get().reason, "raised")

    def test_moving_in_tells_and_moving_out_takes_back(self):
        draw(self.ann)
        incident = report(self.sam, lon=50)
        change(self.sam, incident, lon=5.0)
        self.assertEqual(incident.alerts.get().reason, "moved")
        change(self.sam, incident, lon=50.0)
        self.assertEqual([key for _, key in self.withdrawn], [self.told[0][2]])
        change(self.sam, incident, lon=5.0)
        self.assertEqual(len(self.told), 2)

    def test_closing_takes_back_and_reopening_tells_again(self):
        draw(self.ann)
        draw(self.bob)
        incident = report(self.sam)
        change(self.sam, incident, closed=True)
        self.assertEqual({key for _, key in self.withdrawn}, {key for *_, key in self.told})
        self.assertFalse(incident.alerts.filter(withdrawn_at=None).exists())
        change(self.sam, incident, closed=False)
        self.assertEqual(sorted(name for name, _ in self.texts()), ["ann", "ann", "bob", "bob"])
        self.assertEqual(incident.alerts.first().reason, "reopened")

    def test_deleting_takes_back(self):
        draw(self.ann)
        incident = report(self.sam)
        incident.delete()
        self.assertEqual([key for _, key in self.withdrawn], [self.told[0][2]])

    def test_one_person_may_leave_while_another_stays_told(self):
        draw(self.ann, square(0, 0))
        draw(self.bob, square(0, 0, 20))
        incident = report(self.sam)
        change(self.sam, incident, lon=15.0)
        self.assertEqual([(user.username, key) for user, key in self.withdrawn], [("ann", self.told[0][2])])


class DrawingTests(AlertCase):
    def test_an_area_drawn_over_open_incidents_reports_them_once(self):
        for number in range(3):
            report(self.sam, name=f"Flood {number}")
        report(self.sam, lon=50)
        report(self.sam, severity=Severity.INFO)
        area = draw(self.ann, severity=Severity.MEDIUM)
        self.assertEqual(self.texts(), [("ann", "3 open incidents in “Harbour”")])
        area.name = "Port"
        area.save()
        self.assertEqual(len(self.told), 1)

    def test_over_very_many_they_are_told_at_once_and_noted_by_jobs(self):
        for number in range(7):
            report(self.sam, lon=number)
        with mock.patch.object(alerts, "TOGETHER", 3):
            area = draw(self.ann)
            self.assertEqual((self.texts(), area.alerts.count()), ([("ann", "7 open incidents in “Harbour”")], 3))
            self.assertEqual(jobs.run_due(), 2)
            self.assertEqual((len(self.told), area.alerts.count()), (1, 7))
            area.delete()
        self.assertEqual(len(self.withdrawn), 1)

    def test_one_that_is_made_larger_reports_what_is_new_in_it(self):
        report(self.sam, lon=5)
        report(self.sam, lon=15, name="Fire")
        area = draw(self.ann)
        area.geometry = square(0, 0, 20)
        area.save()
        self.assertEqual(self.texts(), [("ann", "Medium: Flood"), ("ann", "Medium: Fire")])

    def test_one_that_is_made_smaller_takes_back(self):
        report(self.sam, lon=5)
        report(self.sam, lon=15)
        area = draw(self.ann, square(0, 0, 20))
        area.geometry = square(0, 0)
        area.save()
        self.assertEqual(area.alerts.filter(withdrawn_at=None).count(), 1)

    def test_switched_off_or_deleted_it_takes_back(self):
        report(self.sam)
        area = draw(self.ann)
        area.is_active = False
        area.save()
        self.assertEqual(len(self.withdrawn), 1)
        area.is_active = True
        area.save()
        self.assertEqual(len(self.told), 2)
        area.delete()
        self.assertEqual(len(self.withdrawn), 2)

    def test_given_to_somebody_else_it_leaves_the_one_and_tells_the_other(self):
        report(self.sam)
        area = draw(self.ann)
        cursor = Watch.objects.get(pk=self.ann.pk).rev
        area.owner = self.bob
        area.save()
        self.assertEqual(self.texts(), [("ann", "Medium: Flood"), ("bob", "Medium: Flood")])
        self.assertEqual([key for _, key in self.withdrawn], [self.told[0][2]])
        self.assertEqual(area.alerts.get(withdrawn_at=None).owner, self.bob)
        [change] = WatchFeed().changes(self.ann.pk, cursor, 10)
        self.assertEqual([event.feature["id"] for event in change.events], [f"AreaOfInterest:{area.pk}"])
        self.assertIsInstance(change.events[0], PostDelete)
        [drawn, *_] = WatchFeed().changes(self.bob.pk, 0, 10)
        self.assertTrue(drawn.events[0].created)


class CatchingUpTests(AlertCase):
    def test_what_was_told_at_once_of_very_many_hides_nothing_that_came_after(self):
        for number in range(alerts.ALERTS_SHOWN + 5):
            report(self.sam, lon=number / 10)
        draw(self.ann)
        last = report(self.sam, name="The last")
        drawn, many, one = WatchFeed().changes(self.ann.pk, 0, 3)
        self.assertEqual(len(many.events), alerts.ALERTS_SHOWN)
        self.assertEqual([event.feature["properties"]["pk"] for event in one.events], [last.pk])
        self.assertEqual((drawn.rev, one.rev), (1, 3))


class ManyTests(AlertCase):
    def test_whom_many_areas_concern_is_told_by_jobs_and_once(self):
        people = User.objects.bulk_create([User(username=f"watcher{number}") for number in range(alerts.AT_ONCE + 5)])
        for watcher in people:
            draw(watcher)
        report(self.sam)
        self.assertEqual(self.told, [])
        self.assertEqual(jobs.run_due(), 2)
        self.assertEqual(sorted(name for name, _ in self.texts()), sorted(watcher.username for watcher in people))

    def test_a_job_that_runs_twice_tells_once(self):
        draw(self.ann)
        incident = report(self.sam)
        alerts.settle_later({"pairs": [[self.ann.pk, incident.pk, "reported"]]})
        self.assertEqual(len(self.told), 1)

    def test_a_job_looks_at_what_is_now(self):
        draw(self.ann)
        incident = report(self.sam, lon=50)
        alerts.settle_later({"pairs": [[self.ann.pk, incident.pk, "reported"]]})
        self.assertEqual(self.told, [])

    def test_one_that_is_closed_while_the_job_waits_for_the_map_is_told_to_nobody(self):
        draw(self.ann)
        draw(self.bob)
        with mock.patch.object(alerts, "AT_ONCE", 1):
            report(self.sam)
        lock_it = MapQuerySet.lock_it

        def waiting(maps):
            Incident.objects.update(closed=True)
            return lock_it(maps)

        with mock.patch.object(MapQuerySet, "lock_it", waiting):
            self.assertEqual(jobs.run_due(), 2)
        self.assertEqual(self.told, [])

    def test_a_deleted_person_leaves_no_alert_behind(self):
        draw(self.ann)
        report(self.sam)
        self.ann.delete()
        self.assertFalse(Alert.objects.exists() or AreaOfInterest.objects.exists())
