"""Pages. Each suite app has its own `urls.py` under its own name."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as accounts
from django.urls import include, path
from django.views.i18n import set_language

from config import views
from config.forms import LogInForm

urlpatterns = [
    path("", views.home, name="home"),
    path("accounts/sign-up/", views.sign_up, name="sign_up"),
    path("accounts/demo/<slug:username>/", views.demo_login, name="demo_login"),
    path("accounts/login/", accounts.LoginView.as_view(authentication_form=LogInForm), name="login"),
    path("accounts/logout/", accounts.LogoutView.as_view(), name="logout"),
    path("accounts/password_change/", accounts.PasswordChangeView.as_view(), name="password_change"),
    path("accounts/password_change/done/", accounts.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("language/", set_language, name="set_language"),
    path("admin/", admin.site.urls),
    path("", include("realtime.urls")),
    *[path(f"{app}/", include(f"{app}.urls")) for app in settings.SUITE_APPS],
]

if "debug_toolbar" in settings.INSTALLED_APPS:
    urlpatterns.append(path("__debug__/", include("debug_toolbar.urls")))
