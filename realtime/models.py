"""What the apps share in the database: who is here, receipts of commands, tokens of programs, jobs."""

import hashlib
import secrets
import uuid
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.utils import timezone


class Process(models.Model):
    """A running server process. It renews its lease; when it no longer does, its people are gone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    host = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    until = models.DateTimeField(db_index=True)
    started_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "processes"

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class Presence(models.Model):
    """A person has at least one open socket of a process on a feed."""

    process = models.ForeignKey(Process, models.CASCADE, related_name="people")
    feed = models.CharField(max_length=80)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["process", "feed", "user"], name="one_presence_per_process")]
        indexes = [models.Index(fields=["feed"])]

    def __str__(self) -> str:
        return f"{self.user} on {self.feed}"


class Receipt(models.Model):
    """A durable command was carried out: the answer to give when it is sent again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    client_id = models.UUIDField()
    feed = models.CharField(max_length=80)
    rev = models.BigIntegerField()
    row_id = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "client_id"], name="one_receipt_per_client_id")]

    def __str__(self) -> str:
        return f"{self.client_id} → {self.feed} {self.rev}"


class AccessTokenQuerySet(models.QuerySet):
    def usable(self, secret: str) -> "AccessTokenQuerySet":
        return self.filter(digest=AccessToken.digest_of(secret), revoked_at=None, user__is_active=True)


class AccessToken(models.Model):
    """Lets a program act as a user, within scopes such as `chat:read` and `chat:write`. Only a digest is stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="access_tokens")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, editable=False)  # to recognise it in a list
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.CharField(max_length=200, help_text="Separated by spaces, such as: chat:read chat:write")
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = AccessTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def digest_of(secret: str) -> str:
        """SHA-256 is enough: the secret is random, so there is nothing to guess."""
        return hashlib.sha256(secret.encode()).hexdigest()

    @classmethod
    def issue(cls, user: AbstractBaseUser, name: str, scopes: str) -> tuple["AccessToken", str]:
        """A new token and its secret, which is shown once and never stored."""
        secret = f"bc_{secrets.token_urlsafe(32)}"
        token = cls.objects.create(user=user, name=name, scopes=scopes, prefix=secret[:10], digest=cls.digest_of(secret))
        return token, secret

    def allows(self, scope: str) -> bool:
        return scope in self.scopes.split()


class JobQuerySet(models.QuerySet):
    def due(self, now: datetime) -> "JobQuerySet":
        return self.filter(dead_at=None, run_after__lte=now)

    def dead(self) -> "JobQuerySet":
        return self.exclude(dead_at=None)


class Job(models.Model):
    """Something to be done later or elsewhere (realtime/jobs.py). Once done it is gone."""

    name = models.CharField(max_length=80)  # of the function that does it, "notifications.digest"
    key = models.CharField(max_length=120, unique=True, null=True, blank=True)  # while it waits
    payload = models.JSONField(default=dict)
    run_after = models.DateTimeField(default=timezone.now)  # also the lease of the worker that has it
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=1000, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True)  # given up; staff look after it
    created_at = models.DateTimeField(default=timezone.now)

    objects = JobQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["dead_at", "run_after"])]

    def __str__(self) -> str:
        return f"{self.name} {self.pk}"
