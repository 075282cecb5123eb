"""The server's way in: pages by Django, sockets by Channels."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

# Only now that Django is set up may anything import models.
from importlib import import_module  # noqa: E402
from typing import Any  # noqa: E402

from channels.routing import ChannelNameRouter, ProtocolTypeRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from config.health import with_health_checks  # noqa: E402
from config.proxy import with_client_address  # noqa: E402
from realtime import jobs, logs, servers  # noqa: E402
from realtime.hub import Hub  # noqa: E402
from realtime.registry import channels  # noqa: E402
from realtime.routing import websocket_router  # noqa: E402

servers.install()


@servers.on_shutdown
async def say_goodbye() -> None:
    await Hub.here().drain()


servers.on_shutdown(jobs.stop_in_process)


async def pages(scope, receive, send):
    Hub.here()  # so that views, which run in threads, find the way to the sockets of this process
    await django_application(scope, receive, send)


routings = [import_module(f"{app}.routing") for app in settings.SUITE_APPS]
router = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": websocket_router([url for routing in routings for url in routing.websocket_urlpatterns]),
        "channel": ChannelNameRouter({jobs.CHANNEL: jobs.JobConsumer.as_asgi(), **channels()}),
        "lifespan": servers.lifespan,
    }
)


@with_health_checks
@with_client_address
async def visitors(scope, receive, send):
    logs.request_id.set(request_id_of(scope))
    await router(scope, receive, send)


def request_id_of(scope: dict[str, Any]) -> str:
    """What the proxy calls this request, if we trust it; what anybody writes must not stand in our log."""
    given = dict(scope.get("headers", ())).get(b"x-request-id", b"") if settings.TRUST_PROXY else b""
    return logs.new_request_id(given.decode("latin-1"))


async def application(scope, receive, send):
    jobs.run_in_process()  # Daphne has no lifespan: the first connection starts them, be it a health check
    await visitors(scope, receive, send)
