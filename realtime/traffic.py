"""What a hub writes, counted once per frame and group: the cost does not depend on the number of sockets."""

from collections.abc import Callable

Listener = Callable[[str, int, int], None]  # (group, sockets, bytes of one frame)


class Traffic:
    """Frames fanned out by one hub. What sockets are sent one by one (answers, catching up) is not part of it.

    `listener` is called on the hub's event loop for each frame; None costs nothing.
    """

    __slots__ = ("bytes", "deliveries", "frames", "listener")

    def __init__(self) -> None:
        self.frames = 0  # fanned out
        self.deliveries = 0  # frames times sockets
        self.bytes = 0  # written to all sockets together
        self.listener: Listener | None = None

    def count(self, group: str, sockets: int, size: int) -> None:
        self.frames += 1
        self.deliveries += sockets
        self.bytes += sockets * size
        if self.listener is not None:
            self.listener(group, sockets, size)
