"""The browser's end of `/ws/`, in a real browser, against a server that misbehaves on demand."""

import json
import re

import pytest

from realtime.tests.browser import Watch, chromium, wait_for
from realtime.tests.scripted_server import PATIENCE, ScriptedServer

pytestmark = pytest.mark.browser

ROOM = "chat.room.1"
QUICK = {"firstRetry": 20, "longestRetry": 50}  # ms
# Chromium itself reports these; a page cannot keep it from doing so.
EXPECTED = ["WebSocket connection to", "ERR_INTERNET_DISCONNECTED", "net::ERR_ABORTED"]


class Tab:
    """One page with a client in it."""

    def __init__(self, context, server: ScriptedServer, user: str = "7"):
        self.page = context.new_page()
        self.watch = Watch(self.page, expected=list(EXPECTED))
        self.page.goto(f"{server.url}?user={user}")
        self.wait("window.isReady")

    def start(self, options: str = "", **times) -> "Tab":
        """A client with these times, in milliseconds; `options` is JavaScript, e.g. "locks: undefined"."""
        self.run(f"start({{ times: {json.dumps(QUICK | times)}, {options} }})")
        return self

    def run(self, script: str):
        return self.page.evaluate(script)

    def wait(self, condition: str) -> None:
        wait_for(self.page, condition, PATIENCE)

    def wait_for_status(self, status: str) -> None:
        self.wait(f"client.status === {json.dumps(status)}")

    def join(self, feed: str = ROOM, place: str = "{}", prefix: str = "") -> None:
        self.run(f"window.subscription = join({json.dumps(feed)}, {place}, {json.dumps(prefix)}), null")

    def post(self, *bodies: str, feed: str = ROOM) -> list[str]:
        return [self.run(f"post({json.dumps(body)}, {json.dumps(feed)})") for body in bodies]

    def said(self, name: str) -> list:
        return self.run(f"said({json.dumps(name)})")

    def wait_until_said(self, name: str, count: int = 1) -> list:
        self.wait(f"said({json.dumps(name)}).length >= {count}")
        return self.said(name)

    def go_back(self) -> None:
        self.page.go_back(wait_until="commit")  # a page out of the cache is not loaded again

    def reload(self) -> "Tab":
        self.page.reload()
        self.wait("window.isReady")
        return self


@pytest.fixture(scope="module")
def running_server():
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="module")
def running_context(running_server):
    """One browser profile, so that the modules are fetched once. A page without a client wipes its storage."""
    with chromium(back_forward_cache=True) as browser:
        context = browser.new_context()
        context.new_page().goto(f"{running_server.url}bare")
        yield context


@pytest.fixture
def server(running_server):
    running_server.begin()
    return running_server


@pytest.fixture
def context(running_context):
    yield running_context
    running_context.set_offline(False)
    wiper, *pages = running_context.pages
    for page in pages:
        page.close()
    wiper.evaluate("localStorage.clear()")


@pytest.fixture
def open_tab(context, server):
    """Opens tabs of one browser, and fails the test when one of them complains."""
    tabs = []

    def open_tab(user: str = "7") -> Tab:
        tabs.append(Tab(context, server, user))
        return tabs[-1]

    yield open_tab
    for tab in tabs:
        tab.watch.check()


@pytest.fixture
def tab(open_tab):
    return open_tab()


def event(socket, rev: int, feed: str = ROOM, **fields) -> None:
    socket.send("chat.message.posted", feed=feed, rev=rev, **fields)


def revs(frames: list[dict]) -> list[int]:
    return [frame["rev"] for frame in frames]


class TestTheConnection:
    def test_nothing_connects_before_somebody_needs_it(self, tab, server):
        tab.page.evaluate("import('/static/realtime/socket.js').then((module) => { window.client = module.socket })")
        assert tab.run("client.status") == "idle"
        assert server.sockets == []
        tab.run("client.connect()")
        tab.wait_for_status("live")
        assert len(server.sockets) == 1

    def test_a_page_that_loads_the_module_under_two_names_has_one_socket(self, tab):
        names = "['/static/realtime/socket.js', '/static/realtime/socket.js?hash']"
        assert tab.run(f"Promise.all({names}.map((name) => import(name))).then(([a, b]) => a.socket === b.socket)")

    def test_the_status_follows_the_connection(self, tab, server):
        tab.start().run("client.connect()")
        tab.wait_for_status("live")
        server.socket(1).cut()
        tab.wait_until_said("status", 4)
        assert tab.said("status") == ["connecting", "live", "reconnecting", "live"]

    def test_a_server_without_a_hello_is_left(self, tab, server):
        server.greets = False
        tab.start(hello=50).run("client.connect()")
        server.socket(1)
        server.greets = True
        tab.wait_for_status("live")
        assert len(server.sockets) >= 2

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            (4400, "bad_frames"),
            (4401, "logged_out"),
            (4403, "not_allowed"),
            (4404, "not_found"),
            (4409, "client_too_old"),
        ],
    )
    def test_it_stops_when_trying_again_cannot_help(self, tab, server, code, reason):
        tab.start().run("client.connect()")
        tab.wait_for_status("live")
        server.socket(1).close(code)
        tab.wait_for_status("stopped")
        assert tab.run("client.reason") == reason
        tab.run("client.connect(); join('chat.room.1'); post('Kept for later')")
        assert tab.run("client.retryAt") is None
        assert tab.run("client.outbox().length") == 1
        assert len(server.sockets) == 1

    @pytest.mark.parametrize("code", [1000, 1011, 4408, 4429])
    def test_it_comes_back_after_any_other_close(self, tab, server, code):
        tab.start(calm=20).run("client.connect()")
        tab.wait_for_status("live")
        server.socket(1).close(code)
        server.socket(2)
        tab.wait_for_status("live")

    def test_a_server_that_says_bye_is_left_for_as_long_as_it_asks(self, tab, server):
        tab.start().run("client.connect()")
        tab.wait_for_status("live")
        server.socket(1).send("realtime.bye", code=4012, reconnect_after=30)
        server.socket(1).close(4012)
        tab.wait_for_status("reconnecting")
        assert 25_000 < tab.run("client.retryAt - Date.now()") <= 30_000
        tab.run("client.connect()")  # a person need not wait
        tab.wait_for_status("live")

    def test_a_restart_without_a_time_is_spread(self, tab, server):
        tab.start("clock: { now: Date.now, random: () => 0.5, after: () => () => {} }").run("client.connect()")
        tab.wait_for_status("live")
        server.socket(1).close(4012)
        tab.wait_for_status("reconnecting")
        assert 2_000 < tab.run("client.retryAt - Date.now()") <= 2_500

    def test_waiting_doubles_up_to_half_a_minute_with_full_jitter(self, tab):
        waits = """(random) => import('/static/realtime/backoff.js').then(({ Backoff }) => {
            const backoff = new Backoff({ clock: { random: () => random } });
            return Array.from({ length: 9 }, () => backoff.next());
        })"""
        assert tab.page.evaluate(waits, 1) == [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]
        assert tab.page.evaluate(waits, 0) == [0] * 9

    def test_a_silent_socket_is_given_up(self, tab, server):
        tab.start(ping=20, silence=60).run("client.connect()")
        first = server.socket(1)
        first.expect("realtime.ping", 3)  # answered, so it lives
        assert len(server.sockets) == 1
        server.pongs = False
        server.socket(2)
        server.pongs = True
        tab.wait_for_status("live")

    def test_going_offline_and_online_is_noticed_at_once(self, tab, server, context):
        tab.start(check=50, firstRetry=60_000, longestRetry=60_000).run("client.connect()")
        tab.wait_for_status("live")
        server.pongs = False  # set_offline() leaves open sockets alone
        context.set_offline(True)
        tab.wait_for_status("offline")
        server.pongs = True
        context.set_offline(False)
        tab.wait_for_status("live")
        assert tab.said("status") == ["connecting", "live", "offline", "reconnecting", "live"]

    def test_a_tab_that_is_shown_again_checks_its_socket(self, tab, server):
        tab.start(check=50).run("client.connect()")
        tab.wait_for_status("live")
        server.pongs = False
        tab.run("document.dispatchEvent(new Event('visibilitychange'))")
        server.socket(1).expect("realtime.ping")
        server.socket(2)

    def test_a_page_that_goes_says_so(self, tab, server):
        tab.start().run("client.connect()")
        tab.wait_for_status("live")
        tab.page.goto("about:blank")
        assert server.socket(1).expect_close() == 1000

    def test_a_page_out_of_the_back_forward_cache_is_live_again(self, tab, server):
        tab.start().join(place="{ rev: 4, epoch: 'e' }")
        tab.post("Before")
        tab.wait_until_said("acked")
        tab.run("addEventListener('pageshow', (event) => { window.wasCached = event.persisted })")
        tab.page.goto(f"{server.url}other")
        tab.go_back()
        tab.wait("window.isReady")
        assert tab.run("window.wasCached"), "the socket or the outbox kept the page out of the cache"
        tab.wait_for_status("live")
        assert server.socket(2).frames[0]["feeds"] == {ROOM: {"rev": 4, "epoch": "e"}}

    def test_frames_that_make_no_sense_are_skipped(self, tab, server):
        tab.start().join(place="{ rev: 1 }")
        socket = server.socket(1)
        for text in ["", "{", "null", "7", "[]", "{}", '{"type": 7}', '{"type": "from.the.future"}', b"\x00\x01"]:
            socket.send_text(text)
        socket.send("chat.message.posted", feed=ROOM, rev="2")
        socket.send("realtime.feed.live", feed=ROOM, rev=None)
        socket.send("realtime.ack", client_id=7)
        socket.send("realtime.error")
        event(socket, 2)
        assert revs(tab.wait_until_said("onEvent")) == [2]
        assert len(server.sockets) == 1

    def test_a_handler_that_throws_is_reported_and_stops_nothing(self, tab, server):
        tab.watch.expected += ["clumsy"]
        tab.start().join(place="{ rev: 0, onEvent() { throw new Error('clumsy') } }")
        tab.join(place="{ rev: 0 }", prefix="other ")
        tab.run("client.on('chat.message.posted', () => { throw new Error('clumsy too') })")
        event(server.socket(1), 1)
        event(server.socket(1), 2)
        assert revs(tab.wait_until_said("other onEvent", 2)) == [1, 2]
        assert any("clumsy" in line for line in tab.watch.complaints)

    def test_ephemeral_frames_go_only_when_live(self, tab, server):
        tab.start()
        assert tab.run("client.send({ type: 'chat.typing.start', feed: 'chat.room.1' })") is False
        tab.run("client.connect()")
        tab.wait_for_status("live")
        assert tab.run("client.send({ type: 'chat.typing.start', feed: 'chat.room.1' })") is True
        server.socket(1).expect("chat.typing.start")
        assert len(server.socket(1).of("chat.typing.start")) == 1


class TestFeeds:
    def test_the_first_frame_says_where_we_are(self, tab, server):
        tab.start()
        tab.run("""
            post("Not before the resume");
            join("chat.room.1", { rev: 17, epoch: "e1" });
            join("chat.room.2");
            client.watchHeads(["chat.room.3", "chat.room.4"], () => {});
            null;
        """)
        server.expect_rows(1)
        assert server.socket(1).frames[0] == {
            "type": "realtime.feeds.resume",
            "version": 1,
            "feeds": {"chat.room.1": {"rev": 17, "epoch": "e1"}, "chat.room.2": {"rev": None, "epoch": ""}},
            "heads": ["chat.room.3", "chat.room.4"],
        }

    def test_a_change_is_handed_over_once(self, tab, server):
        tab.start().join(place="{ rev: 17, epoch: 'e1' }")
        tab.run("client.on('chat.message.posted', (frame) => log.push({ name: 'on', detail: frame })), null")
        socket = server.socket(1)
        for rev in [16, 17, 18, 18, 19, 17, 22, 19, 23]:
            event(socket, rev)
        assert revs(tab.wait_until_said("onEvent", 4)) == [18, 19, 22, 23]
        assert revs(tab.said("on")) == [18, 19, 22, 23]
        assert tab.run("subscription.rev") == 23

    def test_after_a_reconnect_it_continues_where_it_was(self, tab, server):
        tab.start().join(place="{ rev: 17, epoch: '' }")
        server.socket(1).send("realtime.feed.live", feed=ROOM, rev=20, epoch="e1")
        event(server.socket(1), 21)
        tab.wait_until_said("onEvent")
        server.socket(1).cut()
        assert server.socket(2).frames[0]["feeds"] == {ROOM: {"rev": 21, "epoch": "e1"}}
        event(server.socket(2), 21)
        event(server.socket(2), 22)
        assert revs(tab.wait_until_said("onEvent", 2)) == [21, 22]

    def test_what_arrives_while_a_reset_page_is_fetched_waits_for_it(self, tab, server):
        tab.start()
        tab.run("window.fetched = Promise.withResolvers(), null")
        tab.join(place="{ rev: 17, epoch: 'old', onReset: (frame) => (log.push({ name: 'onReset' }), fetched.promise) }")
        tab.join("chat.room.2", "{ rev: 0 }")
        socket = server.socket(1)
        socket.send("realtime.feed.reset", feed=ROOM, rev=500, epoch="new")
        event(socket, 501)
        event(socket, 502)
        event(socket, 503)
        event(socket, 1, feed="chat.room.2")
        assert tab.wait_until_said("onEvent") == [{"type": "chat.message.posted", "feed": "chat.room.2", "rev": 1}]
        assert len(tab.said("onReset")) == 1
        tab.run("fetched.resolve({ rev: 502 })")  # the fresh page was rendered a little later than the reset
        assert revs(tab.wait_until_said("onEvent", 2)) == [1, 503]
        socket.cut()
        assert server.socket(2).frames[0]["feeds"][ROOM] == {"rev": 503, "epoch": "new"}

    def test_another_epoch_is_a_reset(self, tab, server):
        tab.start().join(place="{ rev: 17, epoch: 'old' }")
        server.socket(1).send("realtime.feed.live", feed=ROOM, rev=3, epoch="new")
        assert revs(tab.wait_until_said("onReset")) == [3]
        assert tab.run("subscription.rev") == 3

    def test_a_refused_feed_is_not_asked_for_again(self, tab, server):
        tab.start().join(place="{ rev: 17 }")
        tab.run("client.watchHeads(['chat.room.1', 'chat.room.2'], () => {}), null")
        server.socket(1).send("realtime.feed.refused", feed=ROOM, code="not_allowed")
        event(server.socket(1), 18)
        assert tab.wait_until_said("onRefused")[0]["code"] == "not_allowed"
        server.socket(1).cut()
        resume = server.socket(2).frames[0]
        assert (resume["feeds"], resume["heads"]) == ({}, ["chat.room.2"])
        assert tab.said("onEvent") == []

    def test_a_server_that_could_not_listen_is_told_again_where_we_are(self, tab, server):
        tab.start().join(place="{ rev: 17, epoch: 'e1' }")
        socket = server.socket(1)
        socket.send("realtime.error", code="retry_later", message="The database does not answer.", retry_after=0.02)
        socket.expect("realtime.feeds.resume", 2)
        socket.send("realtime.feed.live", feed=ROOM, rev=17, epoch="e1")
        # Of these, the first is about a command, the second about something else than following.
        socket.send("realtime.error", code="retry_later", message="", retry_after=0, client_id="x", feed=ROOM)
        socket.send("realtime.error", code="rate_limited", message="", retry_after=0, feed=ROOM)
        socket.send("realtime.error", code="retry_later", message="", retry_after=0.02, feed="chat.room.2")
        resume = socket.expect("realtime.feeds.resume", 3)
        assert resume["feeds"] == {ROOM: {"rev": 17, "epoch": "e1"}}
        assert len(socket.of("realtime.feeds.resume")) == 3

    def test_no_more_is_watched_than_a_socket_may_follow(self, tab, server):
        tab.start()
        tab.run("""
            join("chat.room.1");
            client.watchHeads(Array.from({ length: 400 }, (_, number) => `chat.room.${number}`), () => {});
            null;
        """)
        resume = server.socket(1).frames[0]
        assert len(resume["feeds"]) + len(resume["heads"]) == 300

    def test_each_part_of_a_page_has_its_own_place_in_a_feed(self, tab, server):
        tab.start().join(place="{ rev: 20, epoch: 'e1' }", prefix="first ")
        event(server.socket(1), 21)
        tab.wait_until_said("first onEvent")
        tab.join(place="{ rev: 19, epoch: 'e1' }", prefix="second ")
        join = server.socket(1).expect("realtime.feed.join")
        assert join == {"type": "realtime.feed.join", "feed": ROOM, "rev": 19, "epoch": "e1"}
        event(server.socket(1), 20)
        event(server.socket(1), 21)
        event(server.socket(1), 22)
        assert revs(tab.wait_until_said("second onEvent", 3)) == [20, 21, 22]
        assert revs(tab.said("first onEvent")) == [21, 22]

    def test_a_feed_is_left_with_the_last_part_that_followed_it(self, tab, server):
        tab.start().join(place="{ rev: 1 }")
        tab.wait_for_status("live")
        tab.run("window.other = join('chat.room.1', { rev: 1 }, 'other '), null")
        tab.run("subscription.leave()")
        event(server.socket(1), 2)
        tab.wait_until_said("other onEvent")
        tab.run("other.leave(); other.leave()")
        server.socket(1).expect("realtime.feed.leave")
        tab.join("chat.room.2")
        server.socket(1).expect("realtime.feed.join", 2)
        assert len(server.socket(1).of("realtime.feed.leave")) == 1
        assert tab.said("onEvent") == []

    def test_heads_and_presence_reach_those_who_asked(self, tab, server):
        tab.start().join(place="{ rev: 1 }")
        tab.wait_for_status("live")
        tab.run("window.unwatch = client.watchHeads(['chat.room.2'], (head) => log.push({ name: 'head', detail: head })), null")
        assert server.socket(1).expect("realtime.heads.watch")["feeds"] == ["chat.room.2"]
        socket = server.socket(1)
        socket.send("realtime.feed.head", feed="chat.room.3", rev=9, seq=4)
        socket.send("realtime.feed.head", feed="chat.room.2", rev=9, seq=5)
        socket.send("realtime.presence.snapshot", feed=ROOM, people=[{"id": 1, "name": "Ann"}], count=1)
        socket.send("realtime.presence.changed", feed=ROOM, joined=[], left=[1], count=0)
        assert [frame["count"] for frame in tab.wait_until_said("onPresence", 2)] == [1, 0]
        assert [head["seq"] for head in tab.said("head")] == [5]
        tab.run("unwatch()")
        assert server.socket(1).expect("realtime.heads.watch", 2)["feeds"] == []


class TestTheOutbox:
    def test_a_command_is_acked_and_forgotten(self, tab, server):
        tab.start()
        [client_id] = tab.post("Hello")
        [acked] = tab.wait_until_said("acked")
        assert acked["client_id"] == client_id
        assert acked["command"] == {"type": "chat.message.post", "client_id": client_id, "feed": ROOM, "body": "Hello"}
        assert (acked["ack"]["rev"], acked["ack"]["id"]) == (1, 1)
        assert tab.run("[client.outbox().length, localStorage.length]") == [0, 0]

    def test_after_a_lost_ack_the_same_command_goes_again(self, tab, server):
        server.acks = False
        tab.start()
        tab.post("one", "two")
        server.expect_rows(1)
        server.acks = True
        server.socket(1).cut()
        tab.wait_until_said("acked", 2)
        assert server.commands() == ["one", "one", "two"]
        assert len(server.rows) == 2

    def test_one_command_per_feed_is_on_its_way(self, tab, server):
        server.acks = False
        tab.start()
        tab.post("one", "two")
        tab.post("elsewhere", feed="chat.room.2")
        server.expect_rows(2)
        assert [entry["state"] for entry in tab.run("client.outbox('chat.room.1')")] == ["sending", "queued"]
        assert server.commands() == ["one", "elsewhere"]

    def test_it_survives_a_reload_in_order(self, tab, server):
        server.acks = False
        tab.start()
        ids = tab.post("one", "two", "three")
        server.expect_rows(1)
        tab.reload()
        server.acks = True
        tab.start()
        tab.post("four")
        tab.wait_until_said("acked", 4)
        assert server.commands() == ["one", "one", "two", "three", "four"]
        assert server.expect_rows(4)[:3] == ids
        assert [entry["restored"] for entry in tab.said("queued")].count(True) == 3
        assert tab.run("localStorage.length") == 0

    def test_what_was_typed_without_a_server_goes_out_from_any_later_page(self, tab, server):
        server.accepts = False
        tab.start()
        tab.post("one", "two")
        tab.wait_for_status("reconnecting")
        tab.reload()
        server.accepts = True
        tab.start()  # this page itself needs no socket
        assert [acked["command"]["body"] for acked in tab.wait_until_said("acked", 2)] == ["one", "two"]

    def test_two_tabs_do_not_send_the_same(self, tab, open_tab, server):
        server.acks = False
        tab.start()
        tab.post("one", "two")
        server.expect_rows(1)
        other = open_tab().start(handover=20)
        other.run("client.connect()")
        other.wait_for_status("live")
        server.acks = True
        other.post("mine")
        other.wait_until_said("acked")
        assert server.commands() == ["one", "mine"]
        server.socket(1).cut()
        tab.wait_until_said("acked", 2)
        assert server.commands().count("two") == 1
        assert [acked["command"]["body"] for acked in other.said("acked")] == ["mine"]

    def test_a_tab_that_closes_hands_over(self, tab, open_tab, server):
        other = open_tab().start(handover=20)
        other.run("client.connect()")
        other.wait_for_status("live")
        server.acks = False
        tab.start()
        tab.post("one", "two")
        server.expect_rows(1)
        server.acks = True
        tab.page.close()
        other.wait_until_said("acked", 2)
        assert server.commands() == ["one", "one", "two"]

    def test_the_outbox_of_another_person_stays_where_it_is(self, tab, open_tab, server):
        server.accepts = False
        tab.start()
        tab.post("of seven")
        tab.page.close()
        server.accepts = True
        server.user = 77
        other = open_tab(user="77").start()
        other.post("of seventy-seven")
        other.wait_until_said("acked")
        other.reload().start().post("again")
        other.wait_until_said("acked")
        assert server.commands() == ["of seventy-seven", "again"]
        assert other.run("localStorage.length") == 1

    def test_it_stops_when_somebody_else_has_logged_in(self, tab, server):
        server.user = 8
        tab.start()
        tab.post("As seven, to seven's friends")
        tab.wait_for_status("stopped")
        assert tab.run("client.reason") == "other_user"
        server.socket(1).expect_close()
        assert (server.commands(), tab.run("client.outbox().length")) == ([], 1)

    def test_nobody_has_nothing_on_disk(self, open_tab, server):
        server.user = None
        server.acks = False
        tab = open_tab(user="").start()
        tab.post("As nobody")
        server.expect_rows(1)
        assert tab.run("localStorage.length") == 0

    def test_without_an_answer_it_goes_by_http(self, tab, server):
        server.acks = False
        tab.start(ack=30)
        [client_id] = tab.post("one")
        [acked] = tab.wait_until_said("acked")
        assert acked["ack"]["client_id"] == client_id
        [request] = server.requests
        assert request["path"] == "/commands/"
        assert request["command"]["client_id"] == client_id
        assert request["headers"]["X-CSRFToken"] == "the-token"
        assert request["headers"]["Content-Type"] == "application/json"
        assert len(server.rows) == 1

    def test_without_a_socket_it_goes_by_http(self, tab, server):
        server.accepts = False
        tab.start(socket=30)
        tab.post("one", "two")
        tab.run("client.post({ type: 'chat.message.post', feed: 'chat.room.2' }, { fallback: { url: '/elsewhere/' } })")
        tab.wait_until_said("acked", 3)
        sent = [request["command"]["body"] for request in server.requests if request["path"] == "/commands/"]
        assert sent == ["one", "two"]
        assert "/elsewhere/" in [request["path"] for request in server.requests]

    def test_on_a_page_whose_server_has_no_sockets_it_goes_by_http_at_once(self, tab, server):
        """`config/wsgi.py` says so with an empty address. Nothing connects, and nothing waits for it."""
        tab.start("url: ''")
        tab.join()
        tab.wait_for_status("none")
        tab.post("one", "two")
        tab.wait_until_said("acked", 2)
        assert [request["command"]["body"] for request in server.requests] == ["one", "two"]
        assert tab.said("status") == ["none"]

    def test_a_server_in_trouble_is_asked_again(self, tab, server):
        tab.watch.expected += ["HTTP 502", "status of 502"]
        server.accepts = False
        answers = iter([(502, "Bad gateway"), (200, "<p>Log in to this hotel"), None])
        server.on_request = lambda command: next(answers)
        tab.start(socket=30)
        tab.post("one")
        tab.wait_until_said("acked")
        assert len(server.requests) == 3

    def test_an_http_refusal_is_a_failure(self, tab, server):
        tab.watch.expected += ["HTTP 403", "status of 403"]
        server.accepts = False
        answers = [{"type": "realtime.error", "code": "muted", "message": "Not now."}, "CSRF verification failed"]
        server.on_request = lambda command: (403, answers.pop(0))
        tab.start(socket=30)
        tab.post("one", "two")
        errors = [failed["error"]["code"] for failed in tab.wait_until_said("failed", 2)]
        assert errors == ["muted", "not_allowed"]

    def test_a_command_that_breaks_every_socket_goes_by_http(self, tab, server):
        server.on_command = lambda command: [socket.cut() for socket in server.sockets] and server.answer("x", command)
        tab.start()
        tab.post("poison")
        tab.wait_until_said("acked")
        assert server.commands() == ["poison"] * 3
        assert len(server.requests) == 1

    @pytest.mark.parametrize("code", ["rate_limited", "retry_later"])
    def test_who_is_asked_to_wait_waits_with_everything_behind(self, tab, server, code):
        answers = iter([{"code": code, "message": "Slowly.", "retry_after": 0.05}])

        def refuse_once(command):
            error = next(answers, None)
            return error and server.answer("realtime.error", command, **error)

        server.on_command = refuse_once
        tab.start()
        tab.post("one", "two")
        tab.wait_until_said("acked", 2)
        assert server.commands() == ["one", "one", "two"]
        [delayed] = tab.said("delayed")
        assert (delayed["error"]["code"], delayed["retry_in"]) == (code, 0.05)
        assert delayed["retry_at"] > 1e12
        assert tab.said("failed") == []

    def test_what_is_refused_waits_for_a_person_and_lets_others_pass(self, tab, server):
        muted = {"code": "muted", "message": "You are muted."}
        server.on_command = lambda command: (
            server.answer("realtime.error", command, **muted) if command["body"] == "bad" else None
        )
        tab.start()
        bad, _ = tab.post("bad", "good")
        tab.wait_until_said("acked")
        [failed] = tab.said("failed")
        assert (failed["client_id"], failed["error"]["code"], failed["kept"]) == (bad, "muted", True)
        tab.reload().start()
        [failed] = tab.wait_until_said("failed")
        assert tab.run("client.status") == "idle"
        assert tab.run("client.outbox('chat.room.1')[0].state") == "failed"
        server.on_command = lambda command: None
        assert tab.run(f"client.retry('{bad}')") is True
        tab.wait_until_said("acked")
        assert server.commands() == ["bad", "good", "bad"]

    def test_what_is_discarded_is_gone(self, tab, server):
        server.accepts = False
        tab.start()
        one, _ = tab.post("one", "two")
        assert tab.run(f"client.discard('{one}')") is True
        assert tab.run(f"client.discard('{one}')") is False
        assert tab.said("discarded")[0]["client_id"] == one
        server.accepts = True
        tab.wait_until_said("acked")
        assert server.commands() == ["two"]

    def test_what_does_not_fit_is_refused_aloud(self, tab, server):
        server.accepts = False
        tab.start()
        tab.post("x" * 70_000)
        assert tab.wait_until_said("failed")[0]["error"]["code"] == "too_long"
        tab.run("for (let count = 0; count < 501; count++) post(String(count))")
        failed = tab.wait_until_said("failed", 2)[1]
        assert (failed["error"]["code"], failed["command"]["body"], failed["kept"]) == ("outbox_full", "500", False)
        assert tab.run("client.outbox().length") == 500

    @pytest.mark.parametrize(
        "breakage",
        [
            "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError') } })",
            "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError') }",
        ],
        ids=["forbidden", "full"],
    )
    def test_without_storage_it_lives_in_memory(self, tab, server, breakage):
        tab.run(f"{{ {breakage}; null }}")
        server.acks = False
        tab.start()
        tab.post("one", "two")
        server.expect_rows(1)
        assert tab.said("queued")[0]["stored"] is False
        server.acks = True
        server.socket(1).cut()
        tab.wait_until_said("acked", 2)
        assert server.commands() == ["one", "one", "two"]

    def test_garbage_in_storage_is_survived(self, tab, server):
        tab.run("""for (const [n, text] of ["{", "null", "7", '{"order":1}', '{"order":"x","command":{}}'].entries()) {
            localStorage.setItem(`realtime.outbox.7.dead-tab.${n}`, text);
        }
        localStorage.setItem("realtime.outbox.7.", "x");
        localStorage.setItem("theme", "dark");""")
        tab.start()
        tab.post("one")
        tab.wait_until_said("acked")
        assert tab.run("Object.keys(localStorage)") == ["theme"]

    def test_without_locks_or_randomuuid_it_works_on_plain_http(self, tab, server):
        tab.run("delete Crypto.prototype.randomUUID")
        server.acks = False
        tab.start("locks: undefined")
        [client_id] = tab.post("one")
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", client_id)
        server.expect_rows(1)
        tab.reload()
        server.acks = True
        tab.start("locks: undefined")
        tab.post("two")
        tab.wait_until_said("acked", 2)
        assert server.commands() == ["one", "one", "two"]

    def test_a_page_out_of_the_cache_learns_what_others_sent_for_it(self, tab, server):
        server.acks = False
        tab.start()
        [client_id] = tab.post("one")
        server.expect_rows(1)
        tab.page.goto(f"{server.url}other")
        tab.wait("window.isReady")
        server.acks = True
        tab.start()
        tab.wait_until_said("acked")
        tab.go_back()
        tab.wait("window.isReady")
        [acked] = tab.wait_until_said("acked")
        assert acked["ack"] == {"type": "realtime.ack", "client_id": client_id, "feed": ROOM}
        tab.post("two")
        tab.wait_until_said("acked", 2)
        assert server.commands() == ["one", "one", "two"]
