from channels.routing import URLRouter
from django.urls import path, re_path

from realtime.consumers import RealtimeConsumer


async def no_such_socket(scope, receive, send):
    """Accepted first, or the browser would not learn the code."""
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 4404})


def websocket_router(extra: list) -> URLRouter:
    """The one socket of the suite, and those that apps bring besides."""
    return URLRouter([path("ws/", RealtimeConsumer.as_asgi()), *extra, re_path(r"", no_such_socket)])
