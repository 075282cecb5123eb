"""When rights change, open sockets must notice: within two seconds, and by the tick if the hint is lost."""

from realtime.broadcast import tell_hubs
from realtime.sockets import user_group


def access_changed(user_id: int, session: str = "") -> None:
    """After the commit, have every open socket of this person checked again (only those of `session`, if given)."""
    tell_hubs(user_group(user_id), {"type": "realtime.access", "user": user_id, "session": session})
