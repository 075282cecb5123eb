"""Files: every format, every way of being wrong, and imports that go on whatever happens."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import SimpleTestCase

from realtime import jobs
from realtime.models import Job
from realtime.protocol import Refusal
from realtime.testing import RealtimeTestCase, forget_limits
from tracker import formats, services
from tracker.formats import READERS, Broken
from tracker.models import Incident, Map, Run, Severity
from tracker.services import bulk, imports
from tracker.tests.people import change, person, report

SAMPLES = Path(formats.__file__).parents[1] / "samples"
HEADER = "id,name,severity,lat,lon\n"


def read(format, content):
    return list(READERS[format](io.BytesIO(content if isinstance(content, bytes) else content.encode())))


def csv_rows(number, prefix="r"):
    return HEADER + "".join(f"{prefix}{index},Thing {index},low,{index % 80},{index % 170}\n" for index in range(number))


class ReadingTests(SimpleTestCase):
    def broken(self, format, content, saying):
        with self.assertRaises(Broken) as broken:
            read(format, content)
        self.assertIn(saying, str(broken.exception))

    def refusals(self, format, content):
        return [row.field if isinstance(row, Refusal) else row.name for row in read(format, content)]

    def test_earthquakes_of_the_usgs(self):
        rows = {row.external_id: row for row in read("usgs", (SAMPLES / "earthquakes.geojson").read_bytes())}
        self.assertEqual(rows["us7000smp1"].severity, Severity.MEDIUM)  # by the alert, not by its magnitude of 7.1
        self.assertEqual(rows["us7000smp2"].severity, Severity.LOW)
        self.assertEqual(rows["nc7514smp4"].severity, Severity.LOW)
        self.assertEqual(rows["us7000smp5"].severity, Severity.INFO)  # without a magnitude
        first = rows["us7000smp1"]
        self.assertEqual((first.lon, first.lat, first.created_at.year), (-173.4121, -16.6718, 2026))
        self.assertIn("us7000smp4", rows["nc7514smp4"].aliases)
        self.assertIn("Depth 35.4 km", first.description)

    def test_cap_alerts_have_the_latitude_first_and_refer_to_each_other(self):
        surge, worse, fire, clear = read("cap", (SAMPLES / "alerts.cap.xml").read_bytes())
        self.assertEqual(surge.name, "Storm surge along the North Sea coast")  # the English one of two
        self.assertTrue(7 < surge.lon < 8.8 and 53.4 < surge.lat < 53.9)
        self.assertEqual((surge.severity, worse.severity, fire.severity), (Severity.HIGH, Severity.URGENT, Severity.MEDIUM))
        self.assertIn(surge.external_id, worse.aliases)
        self.assertEqual((fire.lon, fire.lat, fire.closed), (-117.18, 34.05, None))
        self.assertTrue(clear.closed)

    def test_csv_takes_formulas_as_text_and_names_wrong_rows(self):
        rows = read("csv", (SAMPLES / "roadworks.csv").read_bytes())
        self.assertEqual(rows[3].name, "=SUM(A1:A9)")
        self.assertEqual(rows[4].field, "geometry")
        self.assertEqual(rows[0].severity, Severity.HIGH)

    def test_columns_in_any_order_case_and_spelling(self):
        [row] = read("csv", "\ufeffLongitude,TITLE,Latitude\n4.1,Flood,51.9\n")
        self.assertEqual((row.name, row.lon, row.lat, row.severity), ("Flood", 4.1, 51.9, Severity.MEDIUM))

    def test_a_row_that_is_wrong_holds_up_no_other(self):
        rows = HEADER + "1,a,high,91,0\n2,b,high,x,0\n3,c,high,nan,0\n4,d,awful,0,0\n5,e,low,0,0\n6,f\n"
        self.assertEqual(self.refusals("csv", rows), ["geometry", "lat", "geometry", "severity", "e", "lon"])

    def test_files_that_are_no_csv(self):
        self.broken("csv", "name,severity\nx,1\n", "lat, lon")
        self.broken("csv", "", "lat")
        self.broken("csv", ",".join(f"c{index}" for index in range(51)), "50 columns")
        self.broken("csv", HEADER.encode("utf-16"), "UTF-8")
        self.broken("csv", HEADER.encode() + b"1,\xff\xfe,low,1,1\n", "UTF-8")
        self.broken("csv", HEADER + "1," + "x" * 10_001 + ",low,1,1\n", "field larger than")

    def test_files_that_are_no_geojson(self):
        self.broken("geojson", "", "JSON")
        self.broken("geojson", "{", "JSON")
        self.broken("geojson", "[1, 2]", "neither")
        self.broken("geojson", '{"type": "Topology"}', "neither")
        self.broken("geojson", '{"type": "FeatureCollection", "features": [{"type": "Feature", "x": NaN}]}', "JSON")
        self.broken("geojson", b'{"type": "\xff"}', "JSON")
        self.broken("geojson", '{"features": [' + "[" * 1_000_000, "Nested")

    def test_a_feature_nested_too_deep_is_refused_alone(self):
        deep = '{"type": "Feature", "properties": ' + '{"a": ' * 20 + "1" + "}" * 20 + "}"
        self.assertEqual(len(read("geojson", f'{{"features": [{deep}, {deep}]}}')), 2)

    def test_xml_bombs_and_outer_entities_do_not_go_off(self):
        bomb = '<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;&l;">]><a>&m;</a>'
        outer = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
        for content in (bomb, outer, "<!DOCTYPE a><a/>"):
            self.broken("cap", content, "entities")
        self.broken("cap", "<alert", "XML")
        self.broken("cap", "", "XML")

    def test_cap_alerts_without_a_place_or_with_a_wrong_one_are_refused_alone(self):
        def alert(inside, status="Actual"):
            return (
                '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>i</identifier><sender>s</sender>'
                f"<sent>2026-01-31T08:00:00Z</sent><status>{status}</status><msgType>Alert</msgType>{inside}</alert>"
            )

        for inside, field in [
            ("", "info"),
            ("<info><event>e</event></info>", "area"),
            ("<info><area><polygon>1,2 3,4</polygon></area></info>", "polygon"),
            ("<info><area><polygon>a,b c,d e,f a,b</polygon></area></info>", "area"),
            ("<info><area><circle>95,0 1</circle></area></info>", "geometry"),
        ]:
            self.assertEqual(self.refusals("cap", alert(inside)), [field], inside)
        self.assertEqual(read("cap", alert("", status="Exercise")), [])

    def test_the_format_is_found_out(self):
        for path in SAMPLES.iterdir():
            expected = {"earthquakes": "usgs", "alerts": "cap", "roadworks": "csv", "incidents": "geojson"}[
                path.name.split(".")[0]
            ]
            self.assertEqual(formats.guess(path.name, path.read_bytes()[:2_000]), expected)
        self.assertEqual(formats.guess("photo.jpg", b"\xff\xd8\xff"), "")


class RunCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.ann, self.sam = person("ann"), person("sam", is_staff=True)

    def upload(self, content, name="things.csv", user=None, **facts):
        forget_limits()
        content = content if isinstance(content, bytes) else content.encode()
        return services.upload(user or self.ann, SimpleUploadedFile(name, content), **facts)

    def finish(self, run):
        jobs.run_due()
        run.refresh_from_db()
        return run

    def overtaken(self, run, module, work):
        """Do the job of a worker that looks how far it is, whereupon another one does some of it, and is killed."""
        real = getattr(module, work)

        def late(run, deadline):
            with mock.patch.object(module, work, real), mock.patch("tracker.services.runs.SECONDS", -1.0):
                services.perform_run(run.pk)
            Job.objects.all().delete()
            real(run, deadline)

        with mock.patch.object(module, work, late):
            services.perform_run(run.pk)
        run.refresh_from_db()
        return run


class ImportTests(RunCase):
    def test_a_file_is_read_by_a_job_and_then_gone(self):
        run = self.upload(csv_rows(450))
        self.assertEqual((run.status, Incident.objects.count()), (Run.Status.WAITING, 0))
        path = Path(run.file.path)
        run = self.finish(run)
        self.assertEqual((run.status, run.percent, run.position, run.created_count), (Run.Status.DONE, 100, 450, 450))
        self.assertFalse(path.exists() or run.file)

    def test_the_same_file_again_changes_nothing(self):
        self.finish(self.upload(csv_rows(10)))
        rev = Map.objects.get().rev
        run = self.finish(self.upload(csv_rows(10)))
        self.assertEqual((run.same_count, Map.objects.get().rev), (10, rev))

    def test_killed_in_the_middle_it_goes_on_where_it_was(self):
        run = self.upload(csv_rows(900))
        with mock.patch.object(imports, "ingest", KilledAfter(2)), self.assertRaises(KeyboardInterrupt):
            services.perform_run(run.pk)
        run.refresh_from_db()
        self.assertEqual((run.status, run.position), (Run.Status.RUNNING, 400))
        services.perform_run(run.pk)
        run.refresh_from_db()
        self.assertEqual((run.status, run.position, run.created_count), (Run.Status.DONE, 900, 900))

    def test_two_workers_at_one_file_leave_nothing_out(self):
        run = self.overtaken(self.upload(csv_rows(900)), imports, "read_on")
        self.assertEqual((run.status, run.position, bool(run.file)), (Run.Status.RUNNING, 200, True))
        run = self.finish(run)
        self.assertEqual((run.status, run.created_count, Incident.objects.count()), (Run.Status.DONE, 900, 900))

    def test_a_file_that_the_worker_cannot_read_ends_the_import(self):
        run = self.upload(csv_rows(3))
        Path(run.file.path).unlink()
        with self.assertLogs("tracker.services.imports", "WARNING"):
            run = self.finish(run)
        self.assertEqual((run.status, Job.objects.count()), (Run.Status.FAILED, 0))
        self.assertIn("cannot read the file", run.message)

    def test_what_takes_long_is_done_by_several_jobs(self):
        run = self.upload(csv_rows(500))
        with mock.patch("tracker.services.runs.SECONDS", -1.0):
            self.assertGreaterEqual(jobs.run_due(), 3)
        run.refresh_from_db()
        self.assertEqual((run.status, run.created_count), (Run.Status.DONE, 500))

    def test_tried_only_nothing_is_stored_and_all_is_told(self):
        run = self.finish(self.upload(HEADER + "1,a,low,1,1\n2,b,low,95,1\n", is_dry_run=True))
        self.assertEqual((run.status, run.created_count, run.failed_count), (Run.Status.DONE, 1, 1))
        self.assertFalse(Incident.objects.exists())

    def test_wrong_rows_are_told_with_their_number_and_reason(self):
        run = self.finish(self.upload(HEADER + "1,a,low,1,1\n2,b,low,95,1\n3,,low,1,1\n"))
        self.assertEqual([(failure["row"], failure["field"]) for failure in run.failures], [(2, "geometry"), (3, "name")])
        self.assertEqual(Incident.objects.count(), 1)

    def test_a_file_that_breaks_off_keeps_what_came_before(self):
        run = self.finish(self.upload(csv_rows(2_000).encode() + b"x,\xff,low,1,1\n"))
        self.assertEqual((run.status, Incident.objects.count()), (Run.Status.FAILED, run.created_count))
        self.assertGreater(run.created_count, 1_000)
        self.assertIn("UTF-8", run.message)

    def test_too_much_is_refused_with_the_limit(self):
        with self.assertRaises(Refusal) as refusal:
            self.upload(b"x" * (imports.FILE_BYTES + 1))
        self.assertEqual(refusal.exception.status, 413)
        with mock.patch.object(imports, "ROWS", 300):
            run = self.finish(self.upload(csv_rows(301)))
        self.assertEqual((run.status, "300" in run.message), (Run.Status.FAILED, True))
        with self.assertRaises(Refusal):
            self.upload(b"\xff\xd8\xff", "photo.jpg")

    def test_stopped_it_stays_stopped(self):
        run = self.upload(csv_rows(300))
        services.cancel_run(self.ann, run.pk)
        run = self.finish(run)
        self.assertEqual((run.status, Incident.objects.count(), bool(run.file)), (Run.Status.CANCELLED, 0, False))
        with self.assertRaises(Refusal):
            services.cancel_run(self.sam, run.pk)

    def test_an_update_of_an_alert_changes_the_incident_and_a_cancellation_closes_it(self):
        self.finish(self.upload((SAMPLES / "alerts.cap.xml").read_bytes(), "alerts.xml"))
        surge, fire = Incident.objects.order_by("pk")
        self.assertEqual((surge.severity, surge.name[:6], surge.closed), (Severity.URGENT, "Severe", False))
        self.assertTrue(fire.closed)
        run = self.finish(self.upload((SAMPLES / "alerts.cap.xml").read_bytes(), "alerts.xml"))
        self.assertEqual((run.same_count, Incident.objects.count()), (4, 2))

    def test_an_earthquake_that_changed_its_id_is_the_same(self):
        self.finish(self.upload((SAMPLES / "earthquakes.geojson").read_bytes(), "quakes.json"))
        renamed = (SAMPLES / "earthquakes.geojson").read_text().replace('"id":"nc7514smp4"', '"id":"us7000smp4"')
        run = self.finish(self.upload(renamed, "quakes.json"))
        self.assertEqual((run.created_count, Incident.objects.count()), (0, 6))

    def test_old_news_does_not_undo_newer_ones(self):
        def one(name, updated):
            return (
                '{"type": "Feature", "id": "q", "geometry": {"type": "Point", "coordinates": [1, 2]}, '
                f'"properties": {{"name": "{name}", "updated": "{updated}"}}}}'
            )

        for name, updated in (("new", "2026-01-02T00:00:00Z"), ("old", "2026-01-01T00:00:00Z")):
            self.finish(self.upload(one(name, updated), "a.geojson"))
        self.assertEqual(Incident.objects.get().name, "new")


class KilledAfter:
    """Stands in for `ingest`: does the work so many times, then the process is gone."""

    def __init__(self, number):
        self.real, self.left = imports.ingest, number

    def __call__(self, *args):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return self.real(*args)


class BulkTests(RunCase):
    def test_staff_close_all_that_a_list_shows(self):
        for index in range(5):
            report(self.ann, index, 0, Severity.LOW)
        kept = report(self.ann, 1, 0, Severity.URGENT)
        run = self.finish(services.change_many(self.sam, Run.Kind.CLOSE, {"severity": "4,5"}))
        self.assertEqual((run.status, run.changed_count, run.percent), (Run.Status.DONE, 5, 100))
        self.assertEqual(list(Incident.objects.open()), [kept])
        self.assertEqual(Incident.objects.filter(closed=True).first().history.last().actor, self.sam)

    def test_others_change_what_they_reported(self):
        mine, others = report(self.ann), report(self.sam)
        self.finish(services.change_many(self.ann, Run.Kind.SEVERITY, {}, Severity.URGENT))
        mine.refresh_from_db()
        others.refresh_from_db()
        self.assertEqual((mine.severity, others.severity), (Severity.URGENT, Severity.MEDIUM))

    def test_killed_in_the_middle_it_goes_on_where_it_was(self):
        for index in range(7):
            report(self.sam, index, 0)
        with mock.patch.object(bulk, "TOGETHER", 3):
            run = services.change_many(self.sam, Run.Kind.CLOSE, {})
            with mock.patch("tracker.services.runs.SECONDS", -1.0):
                services.perform_run(run.pk)
            run.refresh_from_db()
            self.assertEqual((run.position, run.status), (3, Run.Status.RUNNING))
            run = self.finish(run)
        self.assertEqual((run.changed_count, Incident.objects.open().count()), (7, 0))

    def test_two_workers_at_one_change_leave_nothing_out(self):
        for index in range(7):
            report(self.sam, index, 0)
        with mock.patch.object(bulk, "TOGETHER", 3):
            run = self.overtaken(services.change_many(self.sam, Run.Kind.CLOSE, {}), bulk, "change_on")
            self.assertEqual((run.position, run.status), (3, Run.Status.RUNNING))
            run = self.finish(run)
        self.assertEqual((run.status, run.changed_count), (Run.Status.DONE, 7))

    def test_what_makes_no_sense_is_refused(self):
        change(self.sam, report(self.sam), closed=True)
        for kind, value in ((Run.Kind.CLOSE, None), ("delete", None), (Run.Kind.SEVERITY, 9), (Run.Kind.SEVERITY, None)):
            with self.assertRaises(Refusal):
                services.change_many(self.sam, kind, {}, value)
        self.assertFalse(Run.objects.exists())


class CommandTests(RunCase):
    def setUp(self):
        super().setUp()
        self.root = person("root", is_superuser=True, is_staff=True)

    def call(self, *arguments):
        out, errors = io.StringIO(), io.StringIO()
        call_command("tracker_import", *arguments, stdout=out, stderr=errors)
        return out.getvalue(), errors.getvalue()

    def test_the_bundled_samples_work_offline(self):
        for path in SAMPLES.iterdir():
            out, _ = self.call(path.name)
            self.assertIn("new", out)
            self.assertIn(" 0 new", self.call(path.name)[0])
        self.assertEqual(Incident.objects.filter(reporter=self.root).count(), 16)

    def test_what_is_refused_is_told_by_row(self):
        _, errors = self.call("roadworks.csv")
        self.assertIn("Row 5: A latitude", errors)

    def test_it_tries_only_and_speaks_for_whom_it_is_told_to(self):
        out, _ = self.call("incidents.geojson", "--dry-run", "--user", "ann", "--source", "test")
        self.assertIn("Only tried: 4 rows: 4 new", out)
        self.assertFalse(Incident.objects.exists())

    def test_a_large_file_that_was_interrupted_goes_on(self):
        path = Path(self.enterContext(TemporaryDirectory()), "big.csv")
        path.write_text(csv_rows(1_000))
        with mock.patch.object(imports, "TOGETHER", 100):
            with mock.patch.object(imports, "ingest", KilledAfter(3)), self.assertRaises(KeyboardInterrupt):
                self.call(str(path))
            out, _ = self.call(str(path))
        self.assertIn("Going on after row 300.", out)
        self.assertEqual(Incident.objects.count(), 1_000)

    def test_what_is_not_there_is_a_sentence(self):
        for arguments in (("nowhere.csv",), ("incidents.geojson", "--user", "nobody")):
            with self.assertRaises(CommandError):
                self.call(*arguments)
