"""Servers on Python's own `ssl`: HTTPS with tricks, and mail, directory and database servers that start TLS later."""

import socket
import ssl
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

from infra.lab.tls import museum
from infra.lab.tls.case import Plan
from infra.lab.tls.preambles import PREAMBLES, WITHOUT_TLS
from infra.lab.tls.raw_servers import reset


def handler(plan: Plan, folder: Path) -> Callable[[socket.socket, int], None]:
    """What serves one connection of this plan."""
    context = _context(plan, folder)

    def serve(connection: socket.socket, number: int) -> None:
        if plan.trick == "every-second" and number % 2:
            reset(connection)
            return
        if plan.trick == "slow":
            time.sleep(5)
        if plan.trick in {"ssl2", "export"} and _from_the_museum(plan.trick, connection, folder / "chain.pem", context):
            return
        if plan.trick == "no-starttls":
            WITHOUT_TLS(connection)
        elif plan.starttls is not None:
            PREAMBLES[plan.starttls](connection)
        with context.wrap_socket(connection, server_side=True) as stream:
            if plan.hsts is not None and stream.recv(4096):
                stream.sendall(page(plan.hsts))
            elif plan.hsts is None:
                stream.recv(4096)
            stream.settimeout(1)
            stream.unwrap()

    return serve


def _from_the_museum(trick: str, connection: socket.socket, chain: Path, context: ssl.SSLContext) -> bool:
    """Whether the client wants what OpenSSL no longer has, and got it."""
    hello = museum.peek(connection)
    if trick == "ssl2" and museum.is_ssl2(hello):
        museum.answer_ssl2(connection, chain)
        return True
    if trick == "export" and museum.wants_only_export(hello, partial(_usable, context)):
        museum.answer_export(connection, chain)
        return True
    return False


def _usable(context: ssl.SSLContext, new: bool) -> frozenset[int]:
    """The suites that go with a key of RSA, as numbered on the wire: OpenSSL writes more above those 16 bits."""
    return frozenset(
        each["id"] & 0xFFFF
        for each in context.get_ciphers()
        if each["auth"] != "auth-ecdsa" and (new or each["protocol"] not in {"TLSv1.2", "TLSv1.3"})
    )


def page(hsts: tuple[str, ...]) -> bytes:
    """A response with these Strict-Transport-Security headers."""
    fields = "".join(f"Strict-Transport-Security: {value}\r\n" for value in hsts)
    return f"HTTP/1.1 200 OK\r\n{fields}Content-Length: 4\r\nConnection: close\r\n\r\nlab\n".encode("latin-1")


def _context(plan: Plan, folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        # Old versions are what this lab is for.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion[plan.settings.get("least", "TLSv1_2")]
        context.maximum_version = ssl.TLSVersion[plan.settings.get("most", "TLSv1_3")]
    context.set_ciphers(plan.settings.get("ciphers", "ECDHE+AESGCM:ECDHE+CHACHA20") + ":@SECLEVEL=0")
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    if "curve" in plan.settings:
        context.set_ecdh_curve(plan.settings["curve"])
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    if plan.trick == "client-certificate":
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "chain.pem")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context
