import asyncio
from collections import deque

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)


async def packet(reader: asyncio.StreamReader, kind: int = 1) -> bytes:
    head = await reader.readexactly(kind + 4)
    return head + await reader.readexactly(int.from_bytes(head[kind:]) - 4)


class Pooler:
    def __init__(self, port: int, size: int = 2) -> None:
        self.port, self.size = port, size
        self.idle: deque[Stream] = deque()

    async def log_in(self, startup: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(startup)
        greeting = b""
        while (message := await packet(reader))[:1] != b"Z":
            greeting += message
        self.idle.append((reader, writer))
        return greeting + message

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        startup = await packet(reader, kind=0)
        if startup == SSL_REQUEST:
            writer.write(b"N")
            startup = await packet(reader, kind=0)
        greeting = b""
        while len(self.idle) < self.size:
            greeting = await self.log_in(startup)
        self.greeting = greeting or self.greeting
        writer.write(self.greeting)
        server: Stream | None = None

        # --8<-- [start:transaction]
        async def answer(taken: Stream) -> None:
            nonlocal server
            transaction_over = False
            while not transaction_over:
                message = await packet(taken[0])
                transaction_over = message[:1] == b"Z" and message[5:] == b"I"
                if transaction_over:
                    server = None
                    self.idle.append(taken)
                writer.write(message)

        while (message := await packet(reader))[:1] != b"X":
            if server is None:
                server = self.idle.popleft()
                answering = asyncio.create_task(answer(server))
            server[1].write(message)
            # --8<-- [end:transaction]
        await answering
        writer.close()
