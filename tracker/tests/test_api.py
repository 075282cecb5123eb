"""The API for programs: what it takes in, what it gives out, and how it says no."""

import json
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from realtime.models import AccessToken
from realtime.testing import RealtimeTestCase, forget_limits
from tracker.models import Incident, Map, Severity
from tracker.tests.people import change, draw, person, report
from tracker.views import api

ADDRESS = "/tracker/api/incidents"


def feature(lon=5.0, lat=5.0, **properties):
    properties = {"name": "Flood", "severity": "high", "external_id": "x-1"} | properties
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": properties}


def collection(*features):
    return {"type": "FeatureCollection", "features": list(features)}


class ApiCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.ann = person("ann")
        self.headers = self.token(self.ann, "tracker:read tracker:write")

    def token(self, user, scopes):
        return {"authorization": f"Bearer {AccessToken.issue(user, 'test', scopes)[1]}"}

    def post(self, body, address=f"{ADDRESS}?source=gauges", headers=None):
        forget_limits()
        body = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.client.post(address, body, content_type="application/geo+json", headers=headers or self.headers)

    def get(self, query="", headers=None, **more):
        forget_limits()
        return self.client.get(f"{ADDRESS}?{query}", headers=(headers or self.headers) | more)


class IngestTests(ApiCase):
    def test_a_feature_becomes_an_incident_on_the_map(self):
        answer = self.post(feature(lon=4.14, lat=51.95, description="Water over the quay"))
        self.assertEqual(answer.status_code, 201)
        body = answer.json()
        self.assertEqual((body["created"], body["failed"], body["rev"]), (1, 0, Map.objects.get().rev))
        incident = Incident.objects.get(pk=body["results"][0]["id"])
        facts = (incident.name, incident.severity, incident.lon, incident.lat, incident.source, incident.reporter)
        self.assertEqual(facts, ("Flood", Severity.HIGH, 4.14, 51.95, "gauges", self.ann))

    def test_the_same_thing_sent_twice_is_there_once(self):
        self.post(feature())
        rev = Map.objects.get().rev
        answer = self.post(feature())
        self.assertEqual((answer.status_code, answer.json()["same"]), (200, 1))
        self.assertEqual((Incident.objects.count(), Map.objects.get().rev), (1, rev))

    def test_said_anew_it_changes_the_incident_and_leaves_a_history(self):
        self.post(feature())
        answer = self.post(feature(severity=1, lon=6.0))
        self.assertEqual(answer.json()["changed"], 1)
        incident = Incident.objects.get()
        self.assertEqual((incident.severity, incident.lon), (1, 6.0))
        self.assertEqual(incident.history.last().changes, {"severity": [2, 1], "lon": [5.0, 6.0]})

    def test_twice_in_one_request_is_one_incident_as_it_was_said_last(self):
        answer = self.post(collection(feature(), feature(severity="low")))
        self.assertEqual([result["status"] for result in answer.json()["results"]], ["created", "changed"])
        self.assertEqual(Incident.objects.get().severity, Severity.LOW)

    def test_another_source_has_its_own_ids(self):
        self.post(feature())
        self.post(feature(), f"{ADDRESS}?source=others")
        self.assertEqual(Incident.objects.count(), 2)

    def test_what_is_wrong_with_one_holds_up_no_other_and_is_said(self):
        wrong = [
            (feature(lat=91), "geometry"),
            (feature(lon=52.0, lat=139.0), "geometry"),
            (feature(severity="awful"), "severity"),
            (feature(name=""), "name"),
            (feature(name="x" * 151), "name"),
            (feature(name="nul\x00"), "name"),
            (feature(url="javascript:alert(1)"), "url"),
            (feature(created="yesterday"), "created"),
            (feature(closed="perhaps"), "closed"),
            (feature(name=["a"]), "name"),
            ({"type": "Feature", "geometry": None, "properties": {"name": "x"}}, "geometry"),
            ({"type": "Feature", "geometry": {"type": "Point", "coordinates": [1]}, "properties": {"name": "x"}}, "geometry"),
            ({"type": "Feature", "geometry": {"type": "Point", "coordinates": ["1", 2]}, "properties": {}}, "geometry"),
            (7, "type"),
        ]
        answer = self.post(collection(feature(external_id="good"), *(one for one, _ in wrong)))
        self.assertEqual(answer.status_code, 201)
        results = answer.json()["results"]
        self.assertEqual(results[0]["status"], "created")
        self.assertEqual([result["field"] for result in results[1:]], [field for _, field in wrong])
        self.assertEqual(Incident.objects.get().external_id, "good")

    def test_when_all_are_wrong_it_is_422(self):
        answer = self.post(feature(lat=91))
        self.assertEqual((answer.status_code, answer.json()["failed"]), (422, 1))
        self.assertFalse(Incident.objects.exists())

    def test_bodies_that_are_none_are_typed_errors(self):
        deep = '{"a":' * 200 + "1" + "}" * 200
        for body, status, code in [
            ("", 400, "bad_json"),
            ("{", 400, "bad_json"),
            (b"\xff\xfe{}", 400, "bad_json"),
            ('{"type": "Feature", "x": NaN}', 400, "bad_json"),
            ('{"type": "Feature", "x": Infinity}', 400, "bad_json"),
            ('{"type": "Feature", "x": 1e999}', 400, "bad_json"),
            (deep, 400, "bad_json"),
            ("[]", 422, "bad_value"),
            ({"type": "FeatureCollection", "features": []}, 422, "bad_value"),
            ({"type": "FeatureCollection", "features": 7}, 422, "bad_value"),
            ({"type": "Topology"}, 422, "bad_value"),
            (collection(*[feature(external_id="")] * (api.FEATURES + 1)), 413, "too_long"),
            ("x" * (api.BODY_BYTES + 1), 413, "too_long"),
        ]:
            with self.subTest(str(body)[:60]):
                answer = self.post(body)
                self.assertEqual((answer.status_code, answer.json()["code"]), (status, code))
        self.assertFalse(Incident.objects.exists())

    def test_a_thousand_at_once_take_a_fixed_number_of_queries(self):
        def features(number, prefix):
            return collection(*(feature(external_id=f"{prefix}{index}", lon=index % 180) for index in range(number)))

        self.post(features(1, "w"))
        with self.assertNumQueries(14):
            self.assertEqual(self.post(features(50, "a")).json()["created"], 50)

    def test_somebody_elses_incident_is_not_changed(self):
        self.post(feature())
        bob = self.token(person("bob"), "tracker:write")
        answer = self.post(feature(severity=1), headers=bob)
        self.assertEqual(answer.json()["results"][0]["code"], "not_allowed")
        self.assertEqual(Incident.objects.get().severity, Severity.HIGH)
        sam = self.token(person("sam", is_staff=True), "tracker:write")
        self.assertEqual(self.post(feature(severity=1), headers=sam).json()["changed"], 1)

    def test_a_token_and_its_scope_are_needed(self):
        self.assertEqual(self.post(feature(), headers={"authorization": "Bearer bc_no"}).status_code, 401)
        self.assertEqual(self.post(feature(), headers=self.token(self.ann, "tracker:read")).status_code, 403)
        self.assertEqual(self.get(headers=self.token(self.ann, "tracker:write")).status_code, 403)
        self.client.force_login(self.ann)
        self.assertEqual(self.client.post(ADDRESS, "{}", content_type="application/json").status_code, 401)

    def test_too_many_is_429_with_a_time_to_come_back(self):
        body = json.dumps(collection(*[feature(external_id="")] * api.FEATURES))
        for _ in range(5):
            api.features_per_token.spend(self.ann.pk, 1_000)
        answer = self.client.post(ADDRESS, body, content_type="application/json", headers=self.headers)
        self.assertEqual((answer.status_code, answer.json()["code"]), (429, "rate_limited"))
        self.assertIn("Retry-After", answer.headers)

    def test_what_it_gives_out_can_be_put_back_in(self):
        self.post(feature())
        given = self.get().json()
        answer = self.post(given, f"{ADDRESS}?source=copy")
        self.assertEqual(answer.json()["created"], 1)


class ReadingTests(ApiCase):
    def setUp(self):
        super().setUp()
        self.sam = person("sam", is_staff=True)
        self.near = report(self.sam, 5, 50, Severity.URGENT, "Fire in the harbour")
        self.far = report(self.sam, -100, 40, Severity.INFO, "Parade", description="in the harbour district")
        self.over = change(self.sam, report(self.sam, 5, 51, Severity.LOW, "Over"), closed=True)

    def ids(self, query):
        answer = self.get(query)
        self.assertEqual(answer.status_code, 200, answer.content)
        self.assertEqual(answer.headers["Content-Type"], "application/geo+json")
        return [one["properties"]["pk"] for one in answer.json()["features"]]

    def test_it_answers_with_what_is_asked_for(self):
        near, far, over = self.near.pk, self.far.pk, self.over.pk
        for query, expected in {
            "": [far, near],
            "state=all": [over, far, near],
            "state=closed": [over],
            "bbox=-10,35,30,70": [near],
            "bbox=170,35,370,70": [far, near],
            "bbox=-180,-90,180,90": [far, near],
            "severity=1": [near],
            "severity=urgent,info": [far, near],
            "severity=4": [near],
            "q=harbour": [far, near],
            "q=FIRE harbour": [near],
            "hours=1": [far, near],
            "limit=1": [far],
        }.items():
            with self.subTest(query):
                self.assertEqual(self.ids(query), expected)

    def test_by_age_and_since_a_moment(self):
        Incident.objects.filter(pk=self.near.pk).update(created_at=timezone.now() - timedelta(hours=2))
        self.assertEqual(self.ids("hours=1"), [self.far.pk])
        Incident.objects.filter(pk=self.near.pk).update(updated_at=timezone.now() - timedelta(hours=2))
        moment = (timezone.now() - timedelta(hours=1)).isoformat().replace("+", "%2B")
        self.assertEqual(self.ids(f"since={moment}"), [self.far.pk])

    def test_questions_that_make_no_sense_are_typed_errors(self):
        for query in [
            "bbox=1,2,3",
            "bbox=a,b,c,d",
            "bbox=nan,0,1,1",
            "bbox=0,0,inf,1",
            "bbox=0,10,1,0",
            "bbox=0,-91,1,0",
            "severity=9",
            "severity=x",
            "state=maybe",
            "hours=x",
            "since=x",
            "limit=0",
            "limit=1001",
            "before=x",
        ]:
            with self.subTest(query):
                answer = self.get(query)
                self.assertEqual((answer.status_code, answer.json()["code"]), (400, "bad_field"))
                self.assertIn(answer.json()["field"], query)

    def test_nothing_new_is_304_until_something_changes(self):
        etag = self.get().headers["ETag"]
        with self.assertNumQueries(2):  # the token, the map
            self.assertEqual(self.get(**{"if-none-match": etag}).status_code, 304)
        change(self.sam, self.near, name="Put out")
        self.assertEqual(self.get(**{"if-none-match": etag}).status_code, 200)

    def test_pages_lead_through_everything_once(self):
        for index in range(5):
            report(self.sam, index, 0)
        seen, address = [], f"{ADDRESS}?limit=2"
        while address:
            page = self.client.get(address, headers=self.headers).json()
            seen += [one["properties"]["pk"] for one in page["features"]]
            address = page.get("next")
        self.assertEqual(seen, sorted(Incident.objects.open().values_list("pk", flat=True), reverse=True))
        self.assertEqual(self.get(f"limit={'1'.zfill(18)}000").json()["field"], "limit")

    def test_a_copy_is_kept_in_step_by_revisions(self):
        rev = Map.objects.get().rev
        change(self.sam, self.near, closed=True)
        gone = self.far.pk
        self.far.delete()
        page = self.get(f"since={rev}").json()
        self.assertEqual([one["properties"]["closed"] for one in page["features"]], [True])
        self.assertEqual((page["deleted"], page["rev"]), ([gone], Map.objects.get().rev))
        self.assertEqual(self.get(f"since={page['rev']}").json()["features"], [])

    def test_changes_in_pages_miss_nothing(self):
        seen, rev = [], 0
        while True:
            page = self.get(f"since={rev}&limit=1").json()
            if not page["features"]:
                break
            seen += [one["properties"]["pk"] for one in page["features"]]
            rev = page["rev"]
        self.assertCountEqual(seen, [self.near.pk, self.far.pk, self.over.pk])


class PageFeedsTests(ApiCase):
    """What the map itself is filled with: with the session, not with a token."""

    def setUp(self):
        super().setUp()
        self.bob = person("bob")
        self.incident = report(self.bob, 5, 50, name="Fire")
        self.area = draw(self.bob)

    def test_a_visitor_is_sent_to_log_in(self):
        for name in ("map", "points", "incident_collection", "area_collection", "incident_list", "area_list", "run_list"):
            answer = self.client.get(reverse(f"tracker:{name}"))
            self.assertEqual((answer.status_code, "login" in answer.headers["Location"]), (302, True), name)

    def test_points_come_in_columns_with_the_revision(self):
        self.client.force_login(self.ann)
        answer = self.client.get("/tracker/points?bbox=0,0,10,60").json()
        self.assertEqual((answer["ids"], answer["name"], answer["rev"]), ([self.incident.pk], ["Fire"], self.incident.rev))
        self.assertEqual(self.client.get("/tracker/points?bbox=20,0,30,60").json()["ids"], [])
        self.assertEqual(self.client.get("/tracker/points?bbox=x").status_code, 400)

    def test_the_collection_leads_through_everything_once(self):
        report(self.bob, 6, 50)
        self.client.force_login(self.ann)
        first = self.client.get("/tracker/incidents.geojson?limit=1").json()
        [last] = self.client.get(first["next"]).json()["features"]
        self.assertEqual(last["properties"]["pk"], self.incident.pk)

    def test_ones_own_areas_and_shared_ones_are_given(self):
        self.client.force_login(self.ann)
        self.assertEqual(self.client.get("/tracker/areas.geojson").json()["features"], [])
        draw(person("sam", is_staff=True), is_shared=True, name="For all")
        [given] = self.client.get("/tracker/areas.geojson").json()["features"]
        self.assertEqual(given["properties"]["name"], "For all")

    def test_the_description_of_the_api_is_served_and_fits_what_it_answers(self):
        document = self.client.get("/tracker/api/openapi.json").json()
        self.assertEqual(document["openapi"], "3.1.0")
        operations = document["paths"][ADDRESS]
        self.assertEqual(set(operations), {"get", "post"})
        example = operations["post"]["requestBody"]["content"]["application/geo+json"]["example"]
        answer = self.post(example)
        self.assertEqual(answer.status_code, 201)
        described = document["components"]["schemas"]["Ingested"]["properties"]
        self.assertEqual(set(answer.json()), set(described))
        known = set(document["components"]["schemas"])
        references = {text.rpartition("/")[2] for text in _references(document)}
        self.assertLessEqual(references, known)

    def test_a_token_is_shown_once_and_can_be_revoked(self):
        self.client.force_login(self.ann)
        page = self.client.post("/tracker/programs/", {"name": "Gauge", "scopes": ["tracker:write"]})
        secret = page.context["secret"]
        self.assertContains(page, secret)
        self.assertNotContains(self.client.get("/tracker/programs/"), secret)
        headers = {"authorization": f"Bearer {secret}"}
        self.assertEqual(self.post(feature(external_id="t"), headers=headers).status_code, 201)
        token = AccessToken.objects.get(user=self.ann, name="Gauge")
        self.client.force_login(self.bob)
        self.client.post(f"/tracker/programs/{token.pk}/revoke/")
        self.assertEqual(self.post(feature(external_id="u"), headers=headers).status_code, 201)
        self.client.force_login(self.ann)
        self.client.post(f"/tracker/programs/{token.pk}/revoke/")
        self.assertEqual(self.post(feature(), headers=headers).status_code, 401)
        self.assertEqual(self.client.post("/tracker/programs/", {"name": "x", "scopes": ["chat:read"]}).status_code, 422)


def _references(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from [item] if key == "$ref" else _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
