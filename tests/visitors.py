"""People who visit a site that somebody else runs, knowing nothing but its address: they log in by the form and read pages.

    python -m tests.visitors http://localhost:8000 --sockets 8 --seconds 30

has them talk for so long, whatever happens to the site meanwhile, and checks that each sees all that was said, once and in the
same order. `Visitors` has what `tests.clients.Client` asks of a server: urls, people, rooms.
"""

import argparse
import asyncio
import re
import sys
import urllib.parse
import urllib.request
from collections import Counter
from contextlib import AsyncExitStack
from functools import cached_property
from http.cookiejar import CookieJar
from typing import Any

from tests.clients import Client, eventually

PEOPLE = ("ann", "bob")
HTTP_SECONDS = 10
LINE_SECONDS = 1.5  # between two lines of one person, who may say one a second for ever
HEAL_SECONDS = 60
ROOM = re.compile(r'<chat-room [^>]*data-room="(\d+)" data-feed="([\w.]+)" data-rev="(\d+)" data-epoch="([\w-]+)"')


class Visitors:
    def __init__(self, urls: list[str]):
        self.urls = urls
        self.people: dict[str, dict[str, Any]] = {}

    def log_in(self, name: str, url: str = "") -> None:
        """With the form at one of the addresses. The password of a demo's people is their name."""
        cookies = CookieJar()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
        page = f"{url or self.urls[0]}/accounts/login/"
        browser.open(page, timeout=HTTP_SECONDS).close()
        token = next(cookie.value for cookie in cookies if cookie.name == "csrftoken")
        form = {"username": name, "password": name, "csrfmiddlewaretoken": token}
        filled_in = urllib.request.Request(page, urllib.parse.urlencode(form).encode(), {"Referer": page})
        browser.open(filled_in, timeout=HTTP_SECONDS).close()
        session = next(cookie.value for cookie in cookies if cookie.name == "sessionid")
        self.people[name] = {"session": session}

    def get(self, path: str, name: str) -> str:
        """A page, as this person sees it."""
        headers = {"Cookie": f"sessionid={self.people[name]['session']}"}
        with urllib.request.urlopen(urllib.request.Request(self.urls[0] + path, headers=headers), timeout=HTTP_SECONDS) as page:
            return page.read().decode()

    @cached_property
    def rooms(self) -> dict[str, dict[str, Any]]:
        """The rooms in the list of whoever logged in first, as pages opened now find them."""
        name = next(iter(self.people))
        found = {}
        for path in dict.fromkeys(re.findall(r'href="(/chat/\d+/)"', self.get("/chat/", name))):
            page = self.get(path, name)
            pk, feed, rev, epoch = ROOM.findall(page)[0]
            title = re.findall(r"<title>(?:\(\d+\) )?(.*?) · ", page)[0]
            found[title] = {"id": int(pk), "feed": feed, "rev": int(rev), "epoch": epoch}
        return found


async def talk(url: str, sockets: int, seconds: float) -> None:
    """Raises AssertionError when somebody's screen is not what was said."""
    visitors = Visitors([url])
    for name in PEOPLE:
        await asyncio.to_thread(visitors.log_in, name)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(visitors, PEOPLE[i % 2])) for i in range(sockets)]
        began = asyncio.get_running_loop().time()
        said = 0
        while not said or asyncio.get_running_loop().time() < began + seconds:
            for number, client in enumerate(clients):
                client.say(f"{began} socket {number}, line {said}")
            said += 1
            await asyncio.sleep(LINE_SECONDS * sockets / len(PEOPLE))
        wanted = {f"{began} socket {number}, line {line}" for number in range(sockets) for line in range(said)}
        await eventually(lambda: not any(client.waiting for client in clients), HEAL_SECONDS, what="everything is acked")
        for client in clients:
            await eventually(lambda client=client: wanted <= set(client.bodies()), HEAL_SECONDS, what="every screen has it")
        screens = {tuple(body for body in client.bodies() if body in wanted) for client in clients}
        assert len(screens) == 1, "not the same order on every screen"
        assert len(screens.pop()) == len(wanted), "something was shown twice"
        closes = Counter(code for client in clients for code in client.closes)
        print(f"{sockets} sockets saw {len(wanted)} messages, once and in one order; closes: {dict(closes) or 'none'}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--sockets", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=0)
    given = parser.parse_args()
    try:
        asyncio.run(talk(given.url.rstrip("/"), given.sockets, given.seconds))
    except AssertionError as trouble:
        sys.exit(f"Not as it should be: {trouble}")


if __name__ == "__main__":
    main()
