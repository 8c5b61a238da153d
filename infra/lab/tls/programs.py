"""How openssl's s_server and stunnel are told what to serve, and what every OpenSSL of the lab is allowed."""

import base64
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

from infra.lab.tls.case import Case, Plan
from infra.lab.tls.primes import PRIMES

OPENSSL_CONF = """\
openssl_conf = init
[init]
ssl_conf = ssl
providers = providers
[providers]
default = on
legacy = on
[on]
activate = 1
[ssl]
system_default = all
[all]
CipherString = ALL:@SECLEVEL=0
MinProtocol = None
"""
"""Debian's own asks for security level 2, in which half of this lab would not start."""


def dh_parameters(bits: int) -> bytes:
    """PEM of a group of this size (PKCS #3: a sequence of prime and generator); the two larger ones are common."""
    number = PRIMES[bits].to_bytes(bits // 8 + 1)  # its highest bit is set, which DER takes for a sign
    whole = _der(0x30, _der(2, number) + _der(2, b"\2"))
    return b"-----BEGIN DH PARAMETERS-----\n" + base64.encodebytes(whole) + b"-----END DH PARAMETERS-----\n"


def _der(tag: int, body: bytes) -> bytes:
    size = bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2)
    return bytes([tag]) + size + body


def openssl_arguments(plan: Plan, case: Case, folder: Path) -> tuple[str, ...]:
    """The command line of s_server, which answers every page with its own."""
    own = folder / plan.name
    return (
        "openssl", "s_server", "-accept", case.endpoint, "-cert", str(own / "chain.pem"),
        "-cert_chain", str(own / "chain.pem"), "-key", str(own / "key.pem"), "-www", "-quiet", "-serverpref",
        *plan.settings.get("arguments", "").format(folder=folder).split(),
    )  # fmt: skip


def stunnel_configuration(running: Sequence[tuple[Plan, Case]], folder: Path) -> tuple[str, "Behind"]:
    """Its configuration, and the plaintext server that it hides."""
    behind = Behind()
    lines = ["foreground = yes", "pid =", "debug = err"]
    for plan, case in running:
        own = folder / plan.name
        lines += [
            f"[{plan.name}]",
            f"accept = {case.address}:{case.port}",
            f"connect = 127.0.0.1:{behind.port}",
            f"cert = {own}/chain.pem",
            f"key = {own}/key.pem",
            *plan.settings.get("lines", "").split(";"),
        ]
    return "\n".join(lines) + "\n", behind


class Behind:
    """A page over plain HTTP on loopback."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Serve no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    @staticmethod
    def _answer(connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection:
            try:
                if connection.recv(4096):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlab\n")
            except OSError:
                return
