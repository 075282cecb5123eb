"""What a hub writes, counted once per frame and group: the cost does not depend on the number of sockets."""

from collections.abc import Callable

# Called on the hub's event loop for each frame that is fanned out: (group, sockets, bytes of the frame).
listeners: list[Callable[[str, int, int], None]] = []


class Traffic:
    """Frames fanned out by one hub. What sockets are sent one by one (answers, catching up) is not part of it."""

    __slots__ = ("bytes", "deliveries", "frames")

    def __init__(self) -> None:
        self.frames = 0  # fanned out
        self.deliveries = 0  # frames times sockets
        self.bytes = 0  # written to all sockets together

    def count(self, group: str, sockets: int, size: int) -> None:
        self.frames += 1
        self.deliveries += sockets
        self.bytes += sockets * size
        for listener in listeners:
            listener(group, sockets, size)
