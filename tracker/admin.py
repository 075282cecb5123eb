"""The tracker in the admin. Incidents and areas may be changed here, as in the app's forerunner: receivers.py announces whatever
is saved. The rest is to be looked at (see `realtime.admin`)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from realtime.admin import HistoryInline, RecordAdmin
from realtime.protocol import Refusal
from tracker import services
from tracker.models import Alert, Alias, AreaCell, AreaOfInterest, Incident, IncidentChange, Map, Run, Tombstone, Watch


class CheckedForm(forms.ModelForm):
    """What the services would refuse is said at the field."""

    def check(self, instance: Any) -> None:
        raise NotImplementedError

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            try:
                self.check(self.instance)
            except Refusal as refusal:
                field = refusal.field if refusal.field in self.fields else None
                self.add_error(field, ValidationError(refusal.message))


class IncidentForm(CheckedForm):
    def check(self, instance: Incident) -> None:
        services.check(instance)


class AreaForm(CheckedForm):
    def check(self, instance: AreaOfInterest) -> None:
        services.check_area(instance)


class OwningAdmin(admin.ModelAdmin):
    """History, alerts and cells go with what they belong to; nobody has to be allowed to delete each of them."""

    show_full_result_count = False

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        shown, counts, _, protected = super().get_deleted_objects(objs, request)
        return shown, counts, set(), protected


class IncidentChangeInline(HistoryInline):
    model = IncidentChange
    readonly_fields = ["at", "actor", "changes", "rev"]


@admin.register(Incident)
class IncidentAdmin(OwningAdmin):
    form = IncidentForm
    list_display = ["name", "severity", "closed", "lat", "lon", "source", "reporter", "created_at", "rev"]
    list_filter = ["severity", "closed", "source", "created_at"]
    list_select_related = ["reporter"]
    search_fields = ["name", "description", "=external_id"]
    ordering = ["-pk"]
    fields = ["name", "description", "severity", "closed", ("lat", "lon"), "url", "reporter", "source", "external_id"]
    readonly_fields = ["source", "external_id"]
    raw_id_fields = ["reporter"]
    inlines = [IncidentChangeInline]
    actions = ["close"]

    def save_model(self, request: HttpRequest, obj: Incident, form: Any, change: bool) -> None:
        before = Incident.objects.filter(pk=obj.pk).first() if obj.pk else None
        services.store([services.Edit(obj, before, request.user)])

    @admin.action(description=_("Close the chosen incidents"), permissions=["change"])
    def close(self, request: HttpRequest, queryset: Any) -> None:
        count = services.close_by_staff(request.user, queryset)
        self.message_user(request, gettext("Closed: {count}.").format(count=count))


@admin.register(AreaOfInterest)
class AreaOfInterestAdmin(OwningAdmin):
    form = AreaForm
    list_display = ["name", "owner", "severity", "is_active", "is_shared", "updated_at", "rev"]
    list_filter = ["severity", "is_active", "is_shared"]
    list_select_related = ["owner"]
    search_fields = ["name", "owner__username"]
    ordering = ["-pk"]
    fields = ["owner", "name", "severity", "is_active", "is_shared", "geometry"]
    raw_id_fields = ["owner"]


@admin.register(Alert)
class AlertAdmin(RecordAdmin):
    list_display = ["incident", "area", "owner", "severity", "reason", "told_at", "withdrawn_at"]
    list_filter = ["reason", ("withdrawn_at", admin.EmptyFieldListFilter), "told_at"]
    list_select_related = ["incident", "area", "owner"]
    search_fields = ["incident__name", "area__name", "owner__username"]
    ordering = ["-pk"]


@admin.register(IncidentChange)
class IncidentChangeAdmin(RecordAdmin):
    list_display = ["incident_id", "at", "actor", "changes", "rev"]
    list_select_related = ["actor"]
    search_fields = ["=incident__pk", "actor__username"]
    ordering = ["-pk"]


@admin.register(Alias)
class AliasAdmin(RecordAdmin):
    list_display = ["source", "external_id", "incident_id"]
    list_filter = ["source"]
    search_fields = ["=external_id", "=incident__pk"]
    ordering = ["-pk"]


@admin.register(Run)
class RunAdmin(RecordAdmin):
    list_display = ["name", "owner", "format", "status", "percent", "position", "failed_count", "created_at"]
    list_filter = ["status", "format", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["name", "owner__username"]
    ordering = ["-pk"]


@admin.register(Map)
class MapAdmin(RecordAdmin):
    list_display = ["__str__", "rev", "epoch"]
    ordering = ["pk"]


@admin.register(Watch)
class WatchAdmin(RecordAdmin):
    list_display = ["user", "rev"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    ordering = ["pk"]


@admin.register(AreaCell)
class AreaCellAdmin(RecordAdmin):
    list_display = ["cell", "area_id", "severity", "is_inside"]
    search_fields = ["=area__pk", "=cell"]
    ordering = ["pk"]


@admin.register(Tombstone)
class TombstoneAdmin(RecordAdmin):
    list_display = ["feed", "rev", "model", "object_id"]
    search_fields = ["=feed"]
    ordering = ["-pk"]
