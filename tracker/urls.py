from django.urls import path

from tracker.views import api, areas, incidents, maps, programs, runs

app_name = "tracker"

urlpatterns = [
    path("", maps.map_page, name="map"),
    path("points", maps.points, name="points"),
    path("incidents.geojson", api.incident_collection, name="incident_collection"),
    path("areas.geojson", maps.area_collection, name="area_collection"),
    path("incidents/", incidents.incident_list, name="incident_list"),
    path("report/", incidents.incident_report, name="incident_report"),
    path("incidents/<int:pk>/", incidents.incident_detail, name="incident_detail"),
    path("incidents/<int:pk>/edit/", incidents.incident_edit, name="incident_edit"),
    path("incidents/<int:pk>/close/", incidents.incident_close, name="incident_close"),
    path("incidents/<int:pk>/delete/", incidents.incident_delete, name="incident_delete"),
    path("areas/", areas.area_list, name="area_list"),
    path("areas/new/", areas.area_create, name="area_create"),
    path("areas/<int:pk>/", areas.area_detail, name="area_detail"),
    path("areas/<int:pk>/edit/", areas.area_edit, name="area_edit"),
    path("areas/<int:pk>/delete/", areas.area_delete, name="area_delete"),
    path("incidents/bulk/", runs.bulk_create, name="bulk_create"),
    path("runs/", runs.run_list, name="run_list"),
    path("runs/<int:pk>/", runs.run_detail, name="run_detail"),
    path("runs/<int:pk>/cancel/", runs.run_cancel, name="run_cancel"),
    path("programs/", programs.program_list, name="program_list"),
    path("programs/<int:pk>/revoke/", programs.token_revoke, name="token_revoke"),
    path("api/incidents", api.incidents, name="api_incidents"),
    path("api/openapi.json", api.openapi, name="api_openapi"),
]
