#!/usr/bin/python3
"""Clients of the chat in the lab: HTTPS requests and WebSockets with DDP, every loss counted.

A request has a connection of its own, as a new visitor's has. A socket sends a DDP ping four times
a second and is opened again when it is cut. Ends on SIGTERM, or by itself after SECONDS, and prints
one line of JSON.

Usage: load.py DOMAIN PORT ROOTS SECONDS
"""

import asyncio
import base64
import collections
import contextlib
import json
import os
import signal
import socket
import ssl
import struct
import sys
import time

REQUEST_EVERY = 0.1
MESSAGE_EVERY = 0.25
SOCKETS = 4
ANSWER_SECONDS = 5
REOPEN_SECONDS = 0.2
REASONS_MAX = 10


class Count:
    """What was sent and lost of one kind, and the longest time in which nobody was answered."""

    def __init__(self):
        self.sent = self.lost = 0
        self.gap = 0.0
        self.answered_at = time.monotonic()
        self.reasons = collections.Counter()

    def answered(self):
        now = time.monotonic()
        self.gap = max(self.gap, now - self.answered_at)
        self.answered_at = now

    def lose(self, error):
        self.lost += 1
        self.reasons[reason(error)] += 1

    def told(self):
        # The time since the last answer counts as well.
        gap = max(self.gap, time.monotonic() - self.answered_at)
        return {"sent": self.sent, "lost": self.lost, "gap": round(gap, 3),
                "reasons": dict(self.reasons.most_common(REASONS_MAX))}


def reason(error):
    return f"{type(error).__name__}: {error}"[:120] if str(error) else type(error).__name__


class Refused(Exception):
    """The chat answered, but not with what was asked for."""


class Clients:
    def __init__(self, domain, port, roots):
        self.domain, self.port = domain, port
        self.context = ssl.create_default_context(cafile=roots)
        self.requests, self.messages = Count(), Count()
        self.opened = self.refused = self.cut = 0
        self.address = None
        self.over = asyncio.Event()

    async def resolve(self):
        """Once, as a browser that remembers the name's address."""
        found = await asyncio.get_running_loop().getaddrinfo(
            self.domain, self.port, family=socket.AF_INET, type=socket.SOCK_STREAM)
        self.address = found[0][4][0]

    @contextlib.asynccontextmanager
    async def connection(self):
        reader, writer = await asyncio.open_connection(
            self.address, self.port, ssl=self.context, server_hostname=self.domain)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def rest(self, seconds):
        """Waits, but not longer than the load goes on."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.over.wait(), seconds)

    async def visit(self):
        """One request after another, each in time whatever became of the one before."""
        waiting = set()
        while not self.over.is_set():
            task = asyncio.create_task(self.request())
            waiting.add(task)
            task.add_done_callback(waiting.discard)
            await self.rest(REQUEST_EVERY)
        if waiting:
            await asyncio.wait(waiting)

    async def request(self):
        self.requests.sent += 1
        try:
            await asyncio.wait_for(self.get("/api/info"), ANSWER_SECONDS)
            self.requests.answered()
        except Exception as error:  # whatever a visitor would see as a page that does not come
            self.requests.lose(error)

    async def get(self, path):
        async with self.connection() as (reader, writer):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {self.domain}\r\n"
                         "Connection: close\r\n\r\n".encode())
            answer = await reader.read(-1)
        status = answer.split(b" ", 2)[1:2]
        if status != [b"200"]:
            raise Refused(b" ".join(status).decode() or "no answer")

    async def talk(self):
        """One client's sockets, one after another."""
        while not self.over.is_set():
            try:
                async with self.connection() as (reader, writer):
                    conversation = Conversation(reader, writer)
                    await asyncio.wait_for(conversation.open(self.domain), ANSWER_SECONDS)
                    self.opened += 1
                    await self.converse(conversation)
            except Exception:  # it could not be opened: a person's browser tries again
                self.refused += 1
            await self.rest(REOPEN_SECONDS)

    async def converse(self, conversation):
        """Pings until the load is over or the socket is cut."""
        while not self.over.is_set():
            self.messages.sent += 1
            try:
                identifier = str(self.messages.sent)
                await asyncio.wait_for(conversation.ping(identifier), ANSWER_SECONDS)
                self.messages.answered()
            except Exception as error:  # a socket that does not answer is as good as cut
                self.messages.lose(error)
                self.cut += 1
                return
            await self.rest(MESSAGE_EVERY)

    def told(self):
        return {"requests": self.requests.told(), "messages": self.messages.told(),
                "sockets": {"opened": self.opened, "refused": self.refused, "cut": self.cut}}


class Conversation:
    """A WebSocket (RFC 6455) of a client, with DDP on it."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def open(self, domain):
        key = base64.b64encode(os.urandom(16)).decode()
        self.writer.write((
            f"GET /websocket HTTP/1.1\r\nHost: {domain}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n").encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise Refused(head.split(b"\r\n", 1)[0].decode())
        await self.send({"msg": "connect", "version": "1", "support": ["1"]})
        await self.hear(lambda message: message.get("msg") == "connected")

    async def ping(self, identifier):
        await self.send({"msg": "ping", "id": identifier})
        await self.hear(lambda message: message.get("id") == identifier)

    async def send(self, message):
        text = json.dumps(message).encode()
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))
        self.writer.write(bytes([0x81, 0x80 | len(text)]) + mask + masked)
        await self.writer.drain()

    async def hear(self, is_meant):
        """Reads frames until the message that is meant."""
        while True:
            first, size = await self.reader.readexactly(2)
            if first & 0x0F == 8 or size == 127:
                raise Refused("closed by the chat, or a frame that no answer to us needs")
            if size == 126:
                size = struct.unpack("!H", await self.reader.readexactly(2))[0]
            text = await self.reader.readexactly(size)
            if first & 0x0F == 1 and is_meant(json.loads(text)):
                return


async def main():
    domain, port, roots, seconds = sys.argv[1:]
    clients = Clients(domain, int(port), roots)
    await clients.resolve()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, clients.over.set)
    working = asyncio.gather(clients.visit(), *(clients.talk() for _ in range(SOCKETS)))
    await clients.rest(float(seconds))
    clients.over.set()
    await working
    print(json.dumps(clients.told()), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
