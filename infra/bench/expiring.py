"""Following the certificates of a thousand endpoints: how many a second, and in how much memory."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import DNSName

from infra.bench.counting import count_rows, rows_written
from infra.bench.measuring import Cost, Failed, Figure, scan
from infra.lab.tls.authority import DAY, Authority, ec_key, leaf, pem_of_key
from infra.lab.tls.case import Case
from infra.lab.tls.describing import estate_of

PORT = 9443
_PATIENCE = 60.0
_NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{servers}
}}
"""


def expiring(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Rounds of certificates over half of the endpoints, over all of them, and over the same ones again."""
    many = 200 if quick else 1_000
    with _servers(folder, many) as (cases, roots):
        half, _ = _look(folder / "half", cases[: many // 2], roots)
        cost, seconds = _look(folder / "many", cases, roots)
        yield Figure(
            f"certificates: endpoints a second, {many:,} on loopback",
            many / seconds,
            10,
            f"{seconds:.1f} s for the round, {cost.wall:.1f} s with the command and Prefect; {cost.cpu:.1f} s CPU",
        )
        yield Figure(
            f"memory for {many // 2:,} endpoints ÷ for {many:,}: it is flat",
            half.peak / cost.peak,
            0.9,
            f"{half.peak:.0f} MB and {cost.peak:.0f} MB at the peak",
        )
        database = folder / "many" / "home" / "roundsman.db"
        count_rows(database)
        _look(folder / "many", cases, roots)
        written = {table: rows for table, (rows, _) in rows_written(database).items()}
        facts = written.pop("fact", 0)
        told = ", ".join(f"{table} {rows}" for table, rows in written.items())
        yield Figure("no fact row by an unchanged round of certificates", 0 if facts else 1, 1, f"{facts}; {told}")


def _look(folder: Path, cases: Sequence[Case], roots: Path) -> tuple[Cost, float]:
    """`roundsman scan certificates`: what it cost, and how many seconds the round itself took."""
    cost, told = scan("certificates", folder, estate_of(cases, roots))
    if told["answered"] != told["asked"]:
        raise Failed(f"{told['asked'] - told['answered']} questions about certificates were not answered")
    began, ended = (datetime.fromisoformat(told[name]) for name in ("looked_at", "ended_at"))
    return cost, (ended - began).total_seconds()


@contextmanager
def _servers(folder: Path, count: int) -> Iterator[tuple[Sequence[Case], Path]]:
    """One nginx at as many addresses of loopback, each with a certificate of its own."""
    ca = Authority()
    roots = folder / "roots.pem"
    roots.write_bytes(ca.root.certificate.public_bytes(Encoding.PEM))
    above = ca.intermediate.certificate.public_bytes(Encoding.PEM)
    cases, blocks = [], []
    for number in range(count):
        name, address = f"host-{number}.lab.example", f"127.1.{number // 250}.{1 + number % 250}"
        key = ec_key()
        made = leaf(ca.intermediate, [DNSName(name)], key, ends=(80 + number % 20) * DAY)
        pair = folder / f"{number}.pem"
        pair.write_bytes(made.public_bytes(Encoding.PEM) + above + pem_of_key(key))
        blocks.append(
            f"  server {{ listen {address}:{PORT} ssl; ssl_certificate {pair}; ssl_certificate_key {pair}; }}"
        )
        cases.append(Case(name, address, PORT, name, None, None, None, ""))
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, servers="\n".join(blocks)))
    argv = ("setpriv", "--pdeathsig", "TERM", "nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder))
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as nginx:
        try:
            _wait(nginx, cases[-1])
            yield cases, roots
        finally:
            nginx.send_signal(signal.SIGTERM)


def _wait(nginx: "subprocess.Popen[bytes]", case: Case) -> None:
    end = time.monotonic() + _PATIENCE
    while nginx.poll() is None and time.monotonic() < end:
        with suppress(OSError), socket.create_connection((case.address, case.port), 1):
            return
        time.sleep(0.05)
    raise Failed("nginx does not come up")
