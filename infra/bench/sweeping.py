"""A wide network swept: time against nmap alone, what was found against the truth, and what an unchanged run writes."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network, ip_address
from pathlib import Path

from estate.ports.nmap import NmapReader
from estate.store.database import Database, open_database
from estate.store.reading import list_changes
from estate.store.runs import run_named, shards_of
from infra.bench.counting import count_rows, few_rows, rows_written
from infra.bench.measuring import HOUSE, ROUNDSMAN, Cost, Failed, Figure, run
from infra.lab.routed import FIFTEEN_PORTS, NETWORK, RoutedLab, populate, routed_lab

_SEED = 20
_PACE = 20_000
_AT_LEAST = 7
_PATIENCE = "1800"
_ESTATE = """
[[scopes]]
name = "wide"
authorised_by = "the bench"
networks = ["{network}"]
ports = "tcp/{ports}"
pace = {pace}
versions = false
"""

Pairs = set[tuple[str, str]]


def sweeping(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """A /16 of which little lives, asked for fifteen ports: by nmap alone, and by us as operators do it, twice."""
    network = IPv4Network("10.77.32.0/19") if quick else NETWORK
    with routed_lab(populate(_SEED)) as lab:
        truth = {(address, f"tcp/{port}") for address, ports in lab.truth().items() for port in ports}
        truth = {pair for pair in truth if ip_address(pair[0]) in network}
        ports = ",".join(map(str, FIFTEEN_PORTS))
        (folder / "estate.toml").write_text(_ESTATE.format(network=network, ports=ports, pace=_PACE))
        with _server(lab, folder) as api:
            ours = _sweep(lab, folder, api)
            found = _found(folder)
            yield from _unchanged(lab, folder, api)
        theirs = _nmap_alone(lab, folder, network, ports)
    yield Figure(
        f"time of nmap alone ÷ ours, {network} on {len(FIFTEEN_PORTS)} ports",
        theirs.wall / ours.wall,
        _AT_LEAST,
        f"{theirs.wall:.0f} s and {ours.wall:.0f} s at {_PACE:,}/s; CPU {theirs.cpu:.0f} s and {ours.cpu:.0f} s",
    )
    told = _reported(folder / "nmap.xml")
    yield from (
        Figure(
            name, len(found & truth) / max(len(whole), 1), 1, f"{len(found & truth):,} of {len(whole):,}; nmap {nmap}"
        )
        for name, whole, nmap in (
            ("recall against the lab's truth", truth, f"{len(told & truth):,}"),
            ("precision against the lab's truth", found, f"{len(told & truth):,} of {len(told):,}"),
        )
    )


def _sweep(lab: RoutedLab, folder: Path, api: str) -> Cost:
    """The whole round: the command starts, zmap finds, nmap identifies, and everything is settled and told."""
    command = (*ROUNDSMAN, "scan", "ports", "--json")
    argv = lab.command(("timeout", _PATIENCE, "env", f"PREFECT_API_URL={api}", *command))
    return run(argv, folder / "scan.out", folder / "home")


def _nmap_alone(lab: RoutedLab, folder: Path, network: IPv4Network, ports: str) -> Cost:
    how = ("-n", "-Pn", "-T4", "--max-retries", "1", "--min-rate", str(_PACE), "--max-rate", str(_PACE))
    what = ("-p", ports, "-oX", "nmap.xml", str(network))
    return run(lab.command(("timeout", _PATIENCE, "nmap", *how, *what)), folder / "nmap.out")


def _found(folder: Path) -> Pairs:
    """What the run says is open."""
    database = _database(folder)
    changes = list_changes(database, run=run_named(database, "latest"))
    return {(change["asset"].partition(":")[2], change["key"]) for change in changes if change["after"] is not None}


def _reported(report: Path) -> Pairs:
    """What nmap says is open."""
    with report.open("rb") as stream:
        return {(reading.subject, key) for reading in NmapReader(stream) for key in reading.present}


def _unchanged(lab: RoutedLab, folder: Path, api: str) -> Iterator[Figure]:
    """Once more, with every row counted that anybody writes."""
    count_rows(folder / "home" / "roundsman.db")
    cost = _sweep(lab, folder, api)
    rows = rows_written(folder / "home" / "roundsman.db")
    database = _database(folder)
    seen = run_named(database, "latest")
    if seen.state != "complete" or any(list_changes(database, run=seen)):
        raise Failed(f"the second sweep is {seen.state} and says that something changed: {seen.message}")
    yield from few_rows(f"unchanged sweep of {cost.wall:.0f} s", rows, len(shards_of(database, seen.seq or 0)))


def _database(folder: Path) -> Database:
    return open_database(f"sqlite:///{folder / 'home' / 'roundsman.db'}")


@contextmanager
def _server(lab: RoutedLab, folder: Path) -> Iterator[str]:
    """A Prefect server beside the scanner, as operators have one that runs all day; its API's address."""
    with lab.inside(), socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    environment = {**os.environ, "PREFECT_HOME": str(folder / "prefect"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    argv = (sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            lab.command(argv), cwd=HOUSE, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        with lab.inside():
            _await(f"{url}/health", process)
        yield url
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 180
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise Failed("the Prefect server did not start")
