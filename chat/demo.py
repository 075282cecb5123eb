"""What the demo's people have been saying. Data only; `seed_chat` says it, through the services."""

from dataclasses import dataclass, field

PEOPLE = ("ann", "bob", "sam", "kim", "lee", "mia")


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    author: str
    minutes_ago: int
    body: str
    key: str = ""  # for lines that others reply to
    reply_to: str = ""
    reactions: dict[str, str] = field(default_factory=dict)  # emoji to names
    edited_from: str = ""
    deleted: bool = False
    picture: str = ""  # the name of a file


@dataclass(frozen=True, slots=True, eq=False)
class DemoRoom:
    """The first of `members` owns it. `unread` tells who has yet to read how many of its last lines."""

    name: str
    kind: str
    topic: str
    members: tuple[str, ...]
    lines: tuple[Line, ...]
    unread: dict[str, int] = field(default_factory=dict)


HOUR, DAY = 60, 24 * 60

LOBBY = DemoRoom(
    "lobby",
    "open",
    "Start here. Open a second window as somebody else and watch both.",
    ("sam", "ann", "bob", "kim", "lee", "mia"),
    (
        Line("sam", 2 * DAY + 190, "Welcome to Backchannel! 👋 This room is yours to try things in."),
        Line(
            "sam",
            2 * DAY + 188,
            "Things worth trying:\n\n"
            "- **two windows**: open a private one as somebody else, and type in both\n"
            "- **go offline**: unplug the network, write a few messages, plug it in again\n"
            "- **edit, delete, react, reply**: the other window follows\n"
            "- **files**: drag one in, or paste a screenshot\n"
            "- `@name` somebody who looks at another room: their list shows it",
            key="try",
            reactions={"🎉": "ann bob kim", "👀": "lee"},
        ),
        Line("ann", 2 * DAY + 170, "I pulled the cable in the middle of a sentence. It came back and nothing was missing 🤯"),
        Line("bob", 2 * DAY + 168, "Same here. I even reloaded the page before it was back.", reactions={"💪": "ann sam"}),
        Line(
            "kim",
            DAY + 300,
            "What happens if the *server* goes away?",
            key="server",
        ),
        Line(
            "sam",
            DAY + 296,
            "Then the browsers wait a random moment, come back, and ask for everything after the last revision they saw. "
            "The channel layer is only a hint; the database is the truth.",
            reply_to="server",
            reactions={"👍": "kim mia ann"},
        ),
        Line("mia", DAY + 290, "/me goes looking for a process to kill"),
        Line("lee", 5 * HOUR, "Messages can be formatted, too: **bold**, *italic*, ~~gone~~, `code`, and quotes:"),
        Line("lee", 5 * HOUR - 1, "> Simplicity is prerequisite for reliability.\n\nand links: https://channels.readthedocs.io"),
        Line("bob", 4 * HOUR, "My cat walked over the keyboard, sorry", deleted=True),
        Line("ann", 3 * HOUR + 20, "The search is at the top of the room list. It finds “café” if you look for `cafe`."),
        Line("kim", 48, "Good morning everybody ☀️", reactions={"☕": "lee mia bob"}),
        Line("mia", 46, "Morning! Coffee first, then real-time."),
    ),
    {"ann": 2, "bob": 1},
)

LAUNCH = DemoRoom(
    "launch",
    "open",
    "Countdown to 1.0",
    ("ann", "bob", "sam", "lee", "mia"),
    (
        Line("ann", DAY + 8 * HOUR, "Kick-off for **1.0**. What is still missing?", key="missing"),
        Line(
            "bob",
            DAY + 8 * HOUR - 4,
            "My list:\n\n1. load test with 500 sockets\n2. the upgrade notes\n3. a picture for the home page",
            reply_to="missing",
            reactions={"✅": "ann sam"},
        ),
        Line("lee", DAY + 8 * HOUR - 9, "I take the picture. @mia could you look at the notes?"),
        Line("mia", DAY + 8 * HOUR - 11, "Sure, this afternoon", reactions={"🙏": "lee"}),
        Line(
            "bob",
            DAY + 5 * HOUR,
            "The load test is simpler than I thought:\n\n"
            "```python\n"
            "async def storm(url, people=500):\n"
            "    async with asyncio.TaskGroup() as group:\n"
            "        for number in range(people):\n"
            "            group.create_task(talk(url, number))\n"
            "```",
            key="code",
            reactions={"🔥": "sam ann lee"},
        ),
        Line("sam", DAY + 5 * HOUR - 3, "Nice. What is the slowest one of the five hundred?", reply_to="code"),
        Line(
            "bob",
            DAY + 5 * HOUR - 6,
            "p99 is **38 ms** from key to screen, on two cores",
            edited_from="p99 is 83 ms from key to screen, on two cores",
            reactions={"😮": "ann", "👏": "sam mia"},
        ),
        Line(
            "lee",
            2 * HOUR + 30,
            "First draft of the picture:",
            picture="launch.png",
            reactions={"😍": "mia ann", "🚀": "bob sam"},
        ),
        Line("mia", 2 * HOUR + 22, "Lovely. Can the hills be a little darker?"),
        Line("sam", 35, "Release candidate is on the test server. @ann @bob please try to break it before lunch."),
        Line("bob", 31, "On it. Killing Redis first, as always."),
    ),
    {"ann": 2},
)

RANDOM = DemoRoom(
    "random",
    "open",
    "Anything but work",
    ("mia", "ann", "bob", "kim", "lee"),
    (
        Line("mia", DAY + 2 * HOUR, "Which biscuit survives a dunk the longest? Asking for science.", key="dunk"),
        Line("kim", DAY + 2 * HOUR - 2, "Ginger nut. Not even close.", reply_to="dunk", reactions={"💯": "bob", "🍪": "mia lee"}),
        Line("bob", DAY + 2 * HOUR - 3, "Fourteen seconds, measured."),
        Line("lee", DAY + 2 * HOUR - 9, "We have different ideas of a weekend, @bob"),
        Line("ann", 6 * HOUR, "The swifts are back over the market square!", reactions={"🐦": "kim mia"}),
        Line("kim", 90, "Lunch at the place with the terrace?"),
        Line("lee", 84, "In!", reactions={"🥗": "kim"}),
    ),
    {"bob": 2},
)

CREW = DemoRoom(
    "crew",
    "closed",
    "Closed: only who was invited sees that it exists",
    ("sam", "ann", "bob"),
    (
        Line("sam", DAY + HOUR, "This room is closed. Log in as kim, and it is not there: not in the list, not in the search."),
        Line("ann", DAY + 50, "And the link?"),
        Line("sam", DAY + 48, "The same “not found” as for a room that never was.", reactions={"🔒": "bob"}),
    ),
)

DIRECT = DemoRoom(
    "",
    "direct",
    "",
    ("ann", "bob"),
    (
        Line("bob", 3 * HOUR, "Did you see that lee is drawing the launch picture? 😀"),
        Line("ann", 3 * HOUR - 2, "Yes! Don't tell sam yet, it is a surprise."),
        Line("bob", 26, "My lips are sealed 🤐"),
    ),
    {"ann": 1},
)

ROOMS = (LOBBY, LAUNCH, RANDOM, CREW, DIRECT)
