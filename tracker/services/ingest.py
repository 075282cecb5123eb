"""What sources say: sensors, feeds, files, programs. Said twice it changes nothing; said anew, it changes the incident."""

from collections.abc import Sequence
from copy import copy
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from realtime.protocol import Refusal
from tracker.models import EXTERNAL_ID_LENGTH, SOURCE_LENGTH, URL_LENGTH, Alias, Incident, Map
from tracker.observations import Observation, Outcome
from tracker.services.storing import BATCH, Edit, check, store

SAID = ("name", "description", "severity", "lon", "lat", "url", "closed")


@transaction.atomic
def ingest(user: Any, source: str, observations: Sequence[Observation | Refusal]) -> list[Outcome]:
    """Take in what a source says, on behalf of a person: one transaction, one answer for each. One that is refused, or was
    already when it was read, does not hold up the others."""
    the_map = Map.objects.lock_it()
    intake = Intake(user, source, [one for one in observations if isinstance(one, Observation)])
    outcomes = [intake.take(one) for one in observations]
    store(list(intake.edits.values()), the_map)
    intake.finish()
    return outcomes


class Intake:
    """Compares what is said with what is known. The map is held meanwhile."""

    def __init__(self, user: Any, source: str, observations: Sequence[Observation]):
        self.user, self.source = user, source
        self.edits: dict[int, Edit] = {}  # by the identity of the incident, which may be spoken of twice
        self._known = _known(source, observations)
        self._heard: list[Incident] = []  # of which nothing new was said, but later
        self._aliases: dict[str, Incident] = {}

    def take(self, one: Observation | Refusal) -> Outcome:
        try:
            if isinstance(one, Refusal):
                raise one
            _check(self.source, one)
            incident = next((self._known[name] for name in one.names if name in self._known), None)
            outcome = self._create(one) if incident is None else self._change(incident, one)
        except Refusal as refusal:
            return Outcome("failed", refusal=refusal)
        assert outcome.incident is not None
        for name in one.names:
            if self._known.setdefault(name, outcome.incident) is outcome.incident and name != outcome.incident.external_id:
                self._aliases[name] = outcome.incident
        return outcome

    def finish(self) -> None:
        """The incidents are written."""
        aliases = [Alias(source=self.source, external_id=name, incident=it) for name, it in self._aliases.items()]
        Alias.objects.bulk_create(aliases, ignore_conflicts=True, batch_size=BATCH)
        Incident.objects.bulk_update(self._heard, ["source_at"], batch_size=BATCH)

    def _create(self, one: Observation) -> Outcome:
        incident = Incident(source=self.source, external_id=one.external_id or None, reporter=self.user, source_at=one.at)
        _say(incident, one)
        if one.created_at:
            incident.created_at = one.created_at
        check(incident)
        self.edits[id(incident)] = Edit(incident, actor=self.user)
        return Outcome("created", incident)

    def _change(self, incident: Incident, one: Observation) -> Outcome:
        edit = self.edits.get(id(incident)) or Edit(incident, copy(incident), self.user)
        if edit.before and not edit.before.may_be_changed_by(self.user):
            raise Refusal("not_allowed", _("Somebody else reports this incident."), field="external_id")
        if one.at and incident.source_at and one.at < incident.source_at:
            return Outcome("same", incident)  # old news
        trial = copy(incident)
        _say(trial, one)
        check(trial)
        for field in SAID:
            setattr(incident, field, getattr(trial, field))
        is_later = one.at is not None and one.at != incident.source_at
        incident.source_at = one.at or incident.source_at
        if edit.before is None or edit.changes:
            self.edits[id(incident)] = edit
            return Outcome("changed", incident)
        if is_later:
            self._heard.append(incident)
        return Outcome("same", incident)


def _say(incident: Incident, one: Observation) -> None:
    for field in SAID:
        value = getattr(one, field)
        if value is not None:
            setattr(incident, field, value)


def _known(source: str, observations: Sequence[Observation]) -> dict[str, Incident]:
    """The incidents that these speak of, by each name that the source has for them."""
    names = {name for one in observations for name in one.names}
    if not names:
        return {}
    aliases = dict(Alias.objects.filter(source=source, external_id__in=names).values_list("external_id", "incident_id"))
    wanted = Q(external_id__in=names, source=source) | Q(pk__in=set(aliases.values()))
    found = {incident.pk: incident for incident in Incident.objects.filter(wanted)}
    known = {incident.external_id: incident for incident in found.values() if incident.external_id}
    return known | {name: found[pk] for name, pk in aliases.items()}


def _check(source: str, one: Observation) -> None:
    if not source or len(source) > SOURCE_LENGTH or not source.isprintable():
        message = format_lazy(_("A source has a name of at most {limit} characters."), limit=SOURCE_LENGTH)
        raise Refusal("bad_field", message, field="source")
    if any(len(name) > EXTERNAL_ID_LENGTH or not name.isprintable() for name in one.names):
        message = format_lazy(_("An external_id has at most {limit} characters."), limit=EXTERNAL_ID_LENGTH)
        raise Refusal("bad_field", message, field="external_id")
    if len(one.url) > URL_LENGTH or not one.url.isprintable() or (one.url and not one.url.startswith(("http://", "https://"))):
        message = format_lazy(_("A url begins with http(s):// and has at most {limit} characters."), limit=URL_LENGTH)
        raise Refusal("bad_field", message, field="url")
