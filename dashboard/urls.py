from django.urls import path

from dashboard.views import pages, stream

app_name = "dashboard"

urlpatterns = [
    path("", pages.overview, name="overview"),
    path("groups/", pages.group_list, name="groups"),
    path("groups/<path:group>/", pages.group_detail, name="group"),
    path("processes/", pages.process_list, name="processes"),
    path("stream/", stream.stream, name="stream"),
]
