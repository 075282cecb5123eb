"""One process of the truth test: random operations on a real layer, while reports get lost, doubled and unanswered.

    python -m dashboard.tests.truth REDIS_URL PREFIX OPERATIONS SEED

Prints what a model of the layer says must have happened, then stays until it is killed or its input ends.
"""

import asyncio
import json
import random
import sys
import threading

import django


class Faulty:
    """A store on a bad line."""

    def __init__(self, store, dice):
        self._store, self._dice = store, dice

    def __getattr__(self, name):
        return getattr(self._store, name)

    def flush(self, report, acknowledged):
        from dashboard.store import Unreachable

        fate = self._dice.random()
        if fate < 0.1:
            raise Unreachable("lost on the way")
        flushed = self._store.flush(report, acknowledged)
        if fate < 0.3:
            flushed = self._store.flush(report, acknowledged)
        if fate > 0.9:
            raise Unreachable("the answer was lost")
        return flushed


OPERATIONS = ["send", "direct", "receive", "receive", "join", "join", "leave", "leave"]


class Model:
    """What an in-memory layer does, in plain numbers."""

    CAPACITY, CHANNELS, GROUPS = 5, 12, 6

    def __init__(self):
        self.members = {f"truth.room.{number}": set() for number in range(self.GROUPS)}
        self.waiting = {f"specific.inmemory!c{number}": 0 for number in range(self.CHANNELS)}
        self.counts = dict.fromkeys(["group_sends", "deliveries", "lost.full", "enqueued", "received", "sends"], 0)

    def group_send(self, group):
        self.counts["group_sends"] += 1
        for channel in self.members[group]:
            if self.waiting[channel] < self.CAPACITY:
                self.waiting[channel] += 1
                self.counts["deliveries"] += 1
                self.counts["enqueued"] += 1
            else:
                self.counts["lost.full"] += 1


async def operate(model, layer, operations, dice):
    from channels.exceptions import ChannelFull

    groups, channels = list(model.members), list(model.waiting)
    for _ in range(operations):
        group, channel = dice.choice(groups), dice.choice(channels)
        match dice.choice(OPERATIONS):
            case "send":
                model.group_send(group)
                await layer.group_send(group, {"type": "x"})
            case "direct":
                try:
                    await layer.send(channel, {"type": "x"})
                except ChannelFull:
                    model.counts["lost.full"] += 1
                    assert model.waiting[channel] == model.CAPACITY
                else:
                    model.counts["sends"] += 1
                    model.counts["enqueued"] += 1
                    model.waiting[channel] += 1
            case "receive" if model.waiting[channel]:
                await layer.receive(channel)
                model.counts["received"] += 1
                model.waiting[channel] -= 1
            case "join":
                await layer.group_add(group, channel)
                model.members[group].add(channel)
            case "leave":
                await layer.group_discard(group, channel)
                model.members[group].discard(channel)


def main(url, prefix, operations, seed):
    django.setup()
    from channels.layers import InMemoryChannelLayer

    from dashboard.agent import Agent
    from dashboard.layers import observe
    from dashboard.store import Unreachable
    from dashboard.store.shared import SharedStore

    dice, done = random.Random(seed), threading.Event()
    store = SharedStore(url, prefix)
    agent = Agent(Faulty(store, random.Random(seed + 1)), {})
    layer, model = InMemoryChannelLayer(capacity=Model.CAPACITY, expiry=3600), Model()
    observe("truth", layer)

    def report():
        while not done.wait(0.02):
            try:
                agent.beat()
            except Unreachable:
                continue

    reporter = threading.Thread(target=report)
    reporter.start()
    asyncio.run(operate(model, layer, operations, dice))
    done.set()
    reporter.join()
    agent.store = store  # the last report arrives
    agent.beat()
    truth = {**model.counts, "members": sum(map(len, model.members.values())), "waiting": sum(model.waiting.values())}
    print(json.dumps(truth), flush=True)
    while sys.stdin.readline():
        agent.beat()
        print("beaten", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
