from django.urls import path

from dashboard.views import actions, metrics, pages, stream

app_name = "dashboard"

urlpatterns = [
    path("", pages.overview, name="overview"),
    path("groups/", pages.group_list, name="groups"),
    path("groups/<path:group>/broadcast/", actions.broadcast, name="broadcast"),
    path("groups/<path:group>/disconnect/", actions.group_disconnect, name="group_disconnect"),
    path("groups/<path:group>/tap/", actions.tap, name="tap"),
    path("groups/<path:group>/", pages.group_detail, name="group"),
    path("connections/", pages.connection_list, name="connections"),
    path("connections/disconnect/", actions.disconnect, name="disconnect"),
    path("ghosts/", pages.ghost_list, name="ghosts"),
    path("ghosts/reap/", actions.reap, name="reap"),
    path("processes/", pages.process_list, name="processes"),
    path("processes/drain/", actions.drain, name="drain"),
    path("channels/", pages.channel_list, name="channels"),
    path("ledger/", pages.ledger, name="ledger"),
    path("redis/", pages.redis, name="redis"),
    path("history/", pages.history, name="history"),
    path("history/points/", pages.history_points, name="history_points"),
    path("doctor/", pages.doctor, name="doctor"),
    path("audit/", pages.audit, name="audit"),
    path("metrics", metrics.metrics, name="metrics"),
    path("stream/", stream.stream, name="stream"),
]
