from django.urls import path

from realtime import views
from realtime.words import words

urlpatterns = [
    path("commands/", views.command_create, name="command_create"),
    path("words/<slug:language>.js", words, name="words"),
]
