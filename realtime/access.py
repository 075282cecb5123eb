"""When rights change, open sockets must notice: within two seconds, and by the tick if the hint is lost."""

from realtime.broadcast import broadcast
from realtime.protocol import Event


class AccessChanged(Event, frozen=True, kw_only=True, omit_defaults=True, tag="realtime.access.changed"):
    """The rights of a person changed, or one of their sessions ended. For hubs; browsers never see it."""

    user: int
    session: str = ""


def user_group(user_id: int) -> str:
    """The group of all open sockets of one person."""
    return f"realtime.user.{user_id}"


def access_changed(user_id: int, session: str = "") -> None:
    """After the commit, have every open socket of this person checked again (only those of `session`, if given)."""
    broadcast(user_group(user_id), AccessChanged(user=user_id, session=session))
