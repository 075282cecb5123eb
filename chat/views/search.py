from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from chat.models import Membership, Room
from chat.search import PAGE, QUERY_LENGTH, search_messages


class RoomChoice(forms.ModelChoiceField):
    def __init__(self, user: Any, **options: Any):
        people = Prefetch("memberships", Membership.objects.of_direct_rooms())
        readable = Room.objects.readable_by(user).prefetch_related(people).order_by("name", "pk")
        super().__init__(readable, **options)
        self.user = user

    def label_from_instance(self, room: Room) -> str:
        return room.title_for(self.user)


class SearchForm(forms.Form):
    q = forms.CharField(label=_("Words"), max_length=QUERY_LENGTH, required=False, strip=True)
    author = forms.CharField(label=_("From"), max_length=150, required=False)
    since = forms.DateField(label=_("Since"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    before = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, data: Any, user: Any):
        super().__init__(data)
        self.fields["room"] = RoomChoice(user, label=_("Room"), required=False, empty_label=_("All rooms"))
        words = {"type": "search", "placeholder": _("Words, or “words in order”"), "autocomplete": "off"}
        self.fields["q"].widget.attrs |= words
        self.fields["author"].widget.attrs |= {"placeholder": _("User name"), "autocomplete": "off"}

    @property
    def is_asking(self) -> bool:
        """Something to look for was given, not just the page of it."""
        return any(value for name, value in self.cleaned_data.items() if name != "before")


@login_required
@require_safe
def message_search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET, request.user)
    context: dict[str, Any] = {"form": form, "is_asking": form.is_valid() and form.is_asking}
    if context["is_asking"]:
        context |= _results(request, **form.cleaned_data)
    return render(request, "chat/message_search.html", context)


def _results(request: HttpRequest, q: str, **filters: Any) -> dict[str, Any]:
    hits = search_messages(request.user, q, limit=PAGE + 1, **filters)
    shown = hits[:PAGE]
    is_more = len(hits) > PAGE
    return {
        "hits": [(hit, hit.message.room.title_for(request.user)) for hit in shown],
        "is_later_page": filters["before"] is not None,
        "older": _query_with(request, before=str(shown[-1].message.pk)) if is_more else "",
    }


def _query_with(request: HttpRequest, **changes: str) -> str:
    query = request.GET.copy()
    for name, value in changes.items():
        query[name] = value
    return query.urlencode()
