"""The consumer of the Channels tutorial (part 3, "Rewrite Chat Server as Asynchronous"), and two that keep what is said."""

import json

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import transaction

from realtime.bench.baseline.models import Message, Room


class ChatConsumer(AsyncWebsocketConsumer):
    """The tutorial, word for word."""

    async def connect(self):
        self.room_name = self.scope["url_route"]["kwargs"]["room_name"]
        self.room_group_name = f"chat_{self.room_name}"
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, close_code):
        await self.channel_layer.group_discard(self.room_group_name, self.channel_name)

    async def receive(self, text_data):
        text_data_json = json.loads(text_data)
        message = text_data_json["message"]
        await self.channel_layer.group_send(self.room_group_name, {"type": "chat.message", "message": message})

    async def chat_message(self, event):
        message = event["message"]
        await self.send(text_data=json.dumps({"message": message}))


class StoringConsumer(ChatConsumer):
    """The same with one insert by the ORM before each message is sent on."""

    async def receive(self, text_data):
        message = json.loads(text_data)["message"]
        await Message.objects.acreate(room=int(self.room_name), author=self.scope["user"], body=message)
        await super().receive(text_data)


class NumberingConsumer(ChatConsumer):
    """The same with one transaction for each message, which numbers it under the lock of its room."""

    async def receive(self, text_data):
        await self.store(json.loads(text_data)["message"])
        await super().receive(text_data)

    @database_sync_to_async
    @transaction.atomic
    def store(self, body):
        room = Room.objects.select_for_update().get(pk=self.room_name)
        room.last_seq += 1
        room.save(update_fields=["last_seq"])
        Message.objects.create(room=room.pk, author=self.scope["user"], body=body, seq=room.last_seq)
