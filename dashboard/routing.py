"""What this app offers on the suite's socket: nothing. Its pages are live by server-sent events, for any Channels project."""

feeds: list = []
commands: dict = {}
websocket_urlpatterns: list = []
