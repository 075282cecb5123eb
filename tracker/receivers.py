"""Incidents and areas are announced however they are saved: by the admin, in a shell, by a fixture's author with a loop.

This is what the app's forerunner did, and the reason for the one exception to "never broadcast from post_save". Both receivers
run inside the transaction of `save()` and `delete()` (models.py), so that the row, its revision, its history and its alerts are
there together or not at all; sockets hear of it after the commit. `QuerySet.update()` and `bulk_create()` call neither: who
changes many rows at once uses `services.store`.
"""

from typing import Any

from django.db.models.signals import post_save, pre_delete, pre_save
from django.dispatch import receiver

from tracker import services
from tracker.models import AreaOfInterest, Incident, Map


@receiver(pre_save, sender=Incident)
def prepare_incident(instance: Incident, raw: bool, **_: Any) -> None:
    if raw:  # loaddata: the rows bring their revisions with them
        return
    the_map = Map.objects.lock_it()
    before = Incident.objects.filter(pk=instance.pk).first() if instance.pk else None
    instance._edit = services.Edit(instance, before)  # type: ignore[attr-defined]
    services.prepare(the_map, [instance._edit])  # type: ignore[attr-defined]


@receiver(post_save, sender=Incident)
def announce_incident(instance: Incident, raw: bool, **_: Any) -> None:
    if not raw:
        services.announce([instance._edit])  # type: ignore[attr-defined]


@receiver(pre_delete, sender=Incident)
def bury_incident(instance: Incident, **_: Any) -> None:
    services.bury(instance, Map.objects.lock_it())


@receiver(pre_save, sender=AreaOfInterest)
def prepare_area(instance: AreaOfInterest, raw: bool, **_: Any) -> None:
    if not raw:
        instance._before = services.prepare_area(instance)  # type: ignore[attr-defined]


@receiver(post_save, sender=AreaOfInterest)
def announce_area(instance: AreaOfInterest, raw: bool, **_: Any) -> None:
    if not raw:
        services.announce_area(instance, instance._before)  # type: ignore[attr-defined]


@receiver(pre_delete, sender=AreaOfInterest)
def bury_area(instance: AreaOfInterest, **_: Any) -> None:
    services.bury_area(instance)
