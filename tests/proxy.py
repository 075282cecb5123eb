"""A bad network between a client and a server: it can stop passing on what the server says, and cut. Or one with TLS."""

import asyncio
import ssl
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """`async with Proxy(server.url) as network: Client(..., urls=[network.url])`"""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None):
        self._target, self._tls = urlsplit(url), tls
        self.is_deaf = False  # what the server sends is swallowed
        self.swallowed = 0  # bytes
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0, ssl=self._tls)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Reset all connections, on both sides, without a word."""
        for writer in self._writers:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer, is_answer=True))
        self._writers -= {writer, far_writer}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool = False) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                if is_answer and self.is_deaf:
                    self.swallowed += len(data)
                else:
                    writer.write(data)
                    await writer.drain()
        writer.close()
