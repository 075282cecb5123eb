"""What drawing offers on sockets."""

from django.urls import path

from drawing import consumers

feeds = [consumers.BoardFeed(), consumers.BoardListFeed(), consumers.GalleryFeed()]

commands: dict = {}

websocket_urlpatterns: list = [path("ws/drawing/<str:slug>/", consumers.BoardConsumer.as_asgi())]
