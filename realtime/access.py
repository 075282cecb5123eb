"""When rights change, open sockets must notice: within two seconds, and by the tick if the hint is lost."""

from realtime.broadcast import tell_hubs
from realtime.sockets import user_group


def access_changed(user_id: int) -> None:
    """After the commit, have the rights of every open socket of this person checked again."""
    tell_hubs(user_group(user_id), {"type": "realtime.access", "user": user_id})


def session_ended(user_id: int, session: str) -> None:
    """Have the sockets that were opened with this session closed, after a log-out."""
    tell_hubs(user_group(user_id), {"type": "realtime.session", "user": user_id, "session": session})
