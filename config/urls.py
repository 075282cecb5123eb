"""Pages. Each suite app has its own `urls.py` under its own name."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from config import views

urlpatterns = [
    path("", views.home, name="home"),
    path("accounts/sign-up/", views.sign_up, name="sign_up"),
    path("accounts/demo/<slug:username>/", views.demo_login, name="demo_login"),
    path("accounts/", include("django.contrib.auth.urls")),
    path("admin/", admin.site.urls),
    path("", include("realtime.urls")),
    *[path(f"{app}/", include(f"{app}.urls")) for app in settings.SUITE_APPS],
]

if "debug_toolbar" in settings.INSTALLED_APPS:
    urlpatterns.append(path("__debug__/", include("debug_toolbar.urls")))
