"""The pages of the suite itself: home and accounts. Each app has its own."""

from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from config.demo_people import DEMO_PEOPLE, get_demo_person, is_demo
from config.forms import SignUpForm


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


@sensitive_post_parameters("password1", "password2")
def sign_up(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("home")
    form = SignUpForm(request.POST or None, address=request.META.get("REMOTE_ADDR", ""))
    if request.method == "POST" and form.is_valid():
        login(request, form.save())
        return next_page(request)
    wanted = request.POST.get("next") or request.GET.get("next", "")
    return render(request, "registration/sign_up.html", {"form": form, "next": wanted})


@require_POST
def demo_login(request: HttpRequest, username: str) -> HttpResponse:
    """Log in as a demo person without a password. Outside a demo the page does not exist, whoever asks."""
    if not is_demo() or settings.DEMO_PASSWORD or username not in DEMO_PEOPLE:
        raise Http404
    login(request, get_demo_person(username))
    return next_page(request)


def next_page(request: HttpRequest) -> HttpResponseRedirect:
    """Where the person was going, if that is on this site: an open redirect lends our name to a stranger's page."""
    url = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(url if is_ours else resolve_url("home"))
