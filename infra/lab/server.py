"""The process behind `Listeners`: holds a lab's open ports, one order per line of its standard input.

It answers each order with a line and ends when its input ends, so that it never outlives the lab, however that dies.
"""

import asyncio
import json
import socket
import sys
from collections.abc import Callable
from typing import cast

from infra.lab.listeners import Mode

# linux/in.h, linux/in6.h: bind to an address that the host does not have (yet); Python names neither.
_IP_FREEBIND = 15
_IPV6_FREEBIND = 78
_BACKLOG = 4096
# An order bears its payload in hexadecimal, and banners of a megabyte are wanted.
_LONGEST = 16 * 1024 * 1024


async def _serve(mode: Mode, payload: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One TCP conversation, of at most a minute."""
    try:
        async with asyncio.timeout(60):
            if mode is Mode.CLOSE:
                return
            if mode is Mode.BANNER:
                writer.write(payload)
                await writer.drain()
            elif mode in (Mode.REPLY, Mode.HTTP):
                if await reader.read(4096):
                    writer.write(payload if mode is Mode.REPLY else _page(payload))
                    await writer.drain()
                return
            while data := await reader.read(4096):
                if mode is Mode.ECHO:
                    writer.write(data)
                elif mode is Mode.DNS:
                    answer = _resolve(data[2:], payload)
                    writer.write(len(answer).to_bytes(2, "big") + answer)
    except (OSError, TimeoutError):
        pass  # A scanner that hangs up is the usual end here.
    finally:
        writer.close()


def _page(server: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nServer: " + server + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class _Datagrams(asyncio.DatagramProtocol):
    """One UDP port."""

    def __init__(self, mode: Mode, payload: bytes) -> None:
        self._mode, self._payload = mode, payload
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The event loop's own transport is no subclass of the one it stands for.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = {Mode.ECHO: data, Mode.BANNER: self._payload, Mode.REPLY: self._payload}.get(self._mode, b"")
        if self._mode is Mode.DNS:
            answer = _resolve(data, self._payload)
        if answer and self._transport:
            self._transport.sendto(answer, addr)


def _resolve(question: bytes, table: bytes) -> bytes:
    """A DNS answer (RFC 1035 section 4) to the first question: a PTR record for a known IPv4 address, else NXDOMAIN."""
    if len(question) < 12:
        return b""
    if question[4:6] == b"\0\0":
        # A status request, as scanners send it: not implemented, but here we are.
        return question[:2] + b"\x90\x04" + bytes(8)
    labels, at = [], 12
    while at < len(question) and question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode("ascii", "replace"))
        at += 1 + question[at]
    if at + 5 > len(question):
        return b""
    asked = ".".join(labels).lower()
    record = b""
    for line in table.decode().splitlines():
        address, name = line.split()
        if asked == ".".join(reversed(address.split("."))) + ".in-addr.arpa":
            data = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
            # A pointer to the question's name, type PTR, class IN, one minute.
            record = b"\xc0\x0c\0\x0c\0\x01\0\0\0\x3c" + len(data).to_bytes(2, "big") + data
    flags = b"\x84\x00" if record else b"\x84\x03"
    counts = b"\0\x01" + (b"\0\x01" if record else b"\0\0") + b"\0\0\0\0"
    return question[:2] + flags + counts + question[12 : at + 5] + record


def _bound(address: str, port: int, proto: str) -> socket.socket:
    wide = ":" in address
    kind = socket.SOCK_DGRAM if proto == "udp" else socket.SOCK_STREAM
    bound = socket.socket(socket.AF_INET6 if wide else socket.AF_INET, kind)
    bound.setblocking(False)
    if proto != "udp":
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if wide:
        bound.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
    else:
        bound.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
    bound.bind((address, port))
    return bound


async def _obey() -> None:
    """Carry out orders until the input ends."""
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader(limit=_LONGEST)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    held: dict[tuple[str, str, int], asyncio.Server | asyncio.DatagramTransport] = {}
    while line := await orders.readline():
        order = json.loads(line)
        where = (order["proto"], order["address"], order["port"])
        mode, payload = Mode(order["mode"]), bytes.fromhex(order["payload"])
        try:
            if order["verb"] == "close":
                held.pop(where).close()
                await asyncio.sleep(0)  # a UDP socket is closed one turn of the loop later
            elif order["proto"] == "udp":
                udp = _bound(order["address"], order["port"], "udp")
                held[where], _ = await loop.create_datagram_endpoint(_datagrams(mode, payload), sock=udp)
            else:
                tcp = _bound(order["address"], order["port"], "tcp")
                held[where] = await asyncio.start_server(_conversation(mode, payload), sock=tcp, backlog=_BACKLOG)
            answer = "done"
        except OSError as error:
            answer = error.strerror or str(error)
        except KeyError:
            answer = "nothing listens there"
        print(answer, flush=True)


def _datagrams(mode: Mode, payload: bytes) -> Callable[[], _Datagrams]:
    return lambda: _Datagrams(mode, payload)


def _conversation(
    mode: Mode, payload: bytes
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], "asyncio.Future[None]"]:
    return lambda reader, writer: asyncio.ensure_future(_serve(mode, payload, reader, writer))


if __name__ == "__main__":
    asyncio.run(_obey())
