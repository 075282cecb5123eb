"""A bot, whole: a client of the suite's socket like any other. Copy it, and change `answer_to`.

    CHAT_BOT_TOKEN=bc_... python manage.py chat_bot --url http://localhost:8000

It follows every room that it is put in. So that nothing is lost and nothing is said twice, a client tells the server where
it stopped reading, drops what it has read already, keeps what it says until that is acked, and makes the id of an answer
from the message it answers. Reminders live in memory: they end with the process.
"""

import asyncio
import json
import logging
import os
import random
import re
import signal
from contextlib import suppress
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.core.management.base import BaseCommand, CommandError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

logger = logging.getLogger(__name__)

HELP = "I know `!help`, `!roll 2d6` and `!remind 10s take the kettle off` (an hour at most)."
REMINDER_SECONDS, REMINDER_LENGTH, MOST_TIMERS = 3600, 500, 100
FINAL = {4401: "The token is not valid, or no longer.", 4403: "Not allowed.", 4409: "This bot is too old for the server."}
LATER = {"rate_limited", "slow_mode", "retry_later"}  # errors after which the same command may be sent again


def answer_to(text: str, author: str) -> tuple[int, str] | None:
    """What to say to a line that begins with "!", and in how many seconds."""
    match text.split(maxsplit=2):
        case ["!roll", dice, *_] if found := re.fullmatch(r"([1-9]\d?)d([1-9]\d{0,3})", dice):
            rolls = [random.randint(1, int(found[2])) for _ in range(int(found[1]))]
            return 0, f"{' + '.join(map(str, rolls))} = **{sum(rolls)}**"
        case ["!remind", delay, what] if found := re.fullmatch(r"(\d{1,4})([smh])", delay):
            seconds = int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]
            return min(seconds, REMINDER_SECONDS), f"@{author}: {what[:REMINDER_LENGTH]}"
        case ["!help" | "!roll" | "!remind", *_]:
            return 0, HELP
    return None


class Bot:
    def __init__(self, url: str, token: str):
        self.url = f"{url.replace('http', 'ws', 1).rstrip('/')}/ws/"
        self.headers = {"Authorization": f"Bearer {token}"}  # a token in the URL would be in every log on the way
        self.cursors: dict[str, dict[str, Any]] = {}  # feed -> where we stopped reading; rev None: only what comes
        self.unacked: dict[str, dict[str, Any]] = {}  # client_id -> command
        self.timers: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Stay connected until cancelled. Raises `CommandError` when coming back would be of no use."""
        attempt = 0
        while True:
            try:
                async with connect(self.url, additional_headers=self.headers, ping_interval=15, ping_timeout=15) as self.socket:
                    attempt = 0
                    await self.listen()
            except ConnectionClosed as closed:
                if closed.rcvd and closed.rcvd.code in FINAL:
                    raise CommandError(FINAL[closed.rcvd.code]) from None
            except (OSError, WebSocketException) as error:
                logger.warning("No connection yet: %s", error)
            attempt += 1  # jitter: after a restart of the server not all clients come back in the same moment
            await asyncio.sleep(random.uniform(0.1, min(30, 2**attempt)))

    async def listen(self) -> None:
        self.user = json.loads(await self.socket.recv())["user"]  # from realtime.hello
        self.cursors.setdefault(f"chat.list.{self.user}", {"rev": 0})  # read from its beginning, it names all our rooms
        await self.send({"type": "realtime.feeds.resume", "version": 1, "feeds": self.cursors})
        for command in list(self.unacked.values()):  # it may be that only the ack was lost; the client_id tells them apart
            await self.send(command)
        while True:
            await self.hear(json.loads(await self.socket.recv()))

    async def hear(self, frame: dict[str, Any]) -> None:
        match frame:
            case {"type": "realtime.feed.live" | "realtime.feed.reset", "feed": feed, "rev": rev, "epoch": epoch}:
                self.cursors[feed] = {"rev": rev, "epoch": epoch}  # reset: we missed so much that answering would be odd
            case {"type": "realtime.feed.refused", "feed": feed}:
                self.cursors.pop(feed, None)
                logger.warning("We may not read %s.", feed)
            case {"type": "realtime.ack", "client_id": client_id}:
                self.unacked.pop(client_id, None)
            case {"type": "realtime.error", "client_id": client_id, "code": code} if client_id in self.unacked:
                command = self.unacked.pop(client_id)
                if code in LATER:
                    self.post(command, frame.get("retry_after", 2))
            case {"feed": feed, "rev": rev} if feed in self.cursors:
                cursor = self.cursors[feed]
                if cursor["rev"] is None or rev > cursor["rev"]:  # else we have read it
                    cursor["rev"] = rev
                    await self.read(frame)

    async def read(self, event: dict[str, Any]) -> None:
        match event:
            case {"type": "chat.list.changed", "room": room, "is_member": is_member}:
                feed = f"chat.room.{room}"
                if is_member and feed not in self.cursors:
                    self.cursors[feed] = {"rev": None}
                    await self.send({"type": "realtime.feed.join", "feed": feed, "rev": None})
                elif not is_member and feed in self.cursors:
                    del self.cursors[feed]
                    await self.send({"type": "realtime.feed.leave", "feed": feed})
            case {"type": "chat.message.posted", "kind": "text", "author": int(author), "body": body} if author != self.user:
                answer = answer_to(body.strip(), event["author_name"])
                if answer is None and f'data-user="{self.user}"' in event.get("html", ""):
                    answer = 0, f"You called? {HELP}"
                if answer and len(self.timers) < MOST_TIMERS:
                    # The id is made from the message: if we read it twice, after a crash, the answer is still one row.
                    client_id = str(uuid5(NAMESPACE_URL, f"{event['feed']}/{event['id']}"))
                    post = {"type": "chat.message.post", "client_id": client_id, "feed": event["feed"]}
                    self.post(post | {"body": answer[1], "reply_to": event["id"]}, answer[0])

    def post(self, command: dict[str, Any], seconds: float = 0) -> None:
        async def wait_and_post() -> None:
            await asyncio.sleep(seconds)
            self.unacked[command["client_id"]] = command
            with suppress(ConnectionClosed):  # it goes out with the next connection
                await self.send(command)

        timer = asyncio.create_task(wait_and_post())
        self.timers.add(timer)
        timer.add_done_callback(self.timers.discard)

    async def send(self, command: dict[str, Any]) -> None:
        await self.socket.send(json.dumps(command))


class Command(BaseCommand):
    help = "Run an example bot: it answers !help, !roll 2d6, !remind 10s text, and its name."
    requires_system_checks = []  # a client: it needs no database

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--url", default=os.environ.get("CHAT_BOT_URL", "http://127.0.0.1:8000"), help="of the site")
        parser.add_argument("--token", default=os.environ.get("CHAT_BOT_TOKEN"), help="else from CHAT_BOT_TOKEN")
        parser.add_argument("--seconds", type=float, help="stop after so many seconds")

    def handle(self, *, url: str, token: str | None, seconds: float | None, **options: Any) -> None:
        if not token:
            raise CommandError("Give the bot a token: make one at /chat/bots/, and set CHAT_BOT_TOKEN.")
        asyncio.run(self.run(Bot(url, token), seconds))

    async def run(self, bot: Bot, seconds: float | None) -> None:
        running = asyncio.create_task(bot.run())
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, running.cancel)
        with suppress(asyncio.CancelledError, TimeoutError):  # the socket is closed on the way out, with code 1000
            await asyncio.wait_for(running, seconds)
