from django.urls import path

from realtime import views

urlpatterns = [path("commands/", views.command_create, name="command_create")]
