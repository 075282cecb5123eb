from django.conf import settings
from django.db import models


class Room(models.Model):
    """Only for the consumer that numbers its messages."""

    last_seq = models.BigIntegerField(default=0)


class Message(models.Model):
    room = models.BigIntegerField(db_index=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    body = models.TextField()
    seq = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
