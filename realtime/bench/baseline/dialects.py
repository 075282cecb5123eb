"""How the client talks to the consumers of the tutorial."""

from realtime.bench.job import Dialect

DIALECTS = {
    consumer: Dialect(
        path=f"/ws/{consumer}/{{room}}/",
        join=[],
        ready="",
        post='{"message": "{text}"}',
        delivered='{"message": ',
        accepted="",  # it says nothing to the sender but the message itself
    )
    for consumer in ("chat", "storing", "numbering")
}
