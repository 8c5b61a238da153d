"""A small estate with a database of its own, on SQLite and on a private PostgreSQL, that reports are settled in."""

import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import create_engine, select

from estate.coverage import Keys
from estate.manifest import Manifest, load_manifest
from estate.store.assets import find_asset, list_assets
from estate.store.chronicle import history
from estate.store.database import Database, open_database
from estate.store.documents import ChangeObject, FindingObject
from estate.store.folder import EvidenceFolder
from estate.store.importing import Import, import_report
from estate.store.problems import Selection, list_findings
from estate.store.reading import list_changes
from estate.store.rows import ASSET, CHANGE, FACT, FINDING, RUN, STEP
from estate.store.runs import Profile
from estate.store.settlement import Settled, Settler
from estate.store.surroundings import Surroundings
from estate.store.tables import Run
from estate.targets import Targets

EVIDENCE = Path(__file__).parents[2] / "evidence"
THREE_HOSTS = "10.77.0.2,10.77.0.3,10.77.0.4"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
SILENT_STATES = {"silent": ("filtered", "no-response"), "closed": ("closed", "reset")}


@dataclass(frozen=True)
class Cluster:
    """A private PostgreSQL that listens on a socket in a folder of its own."""

    folder: Path
    numbers: Iterator[int] = field(default_factory=count)

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def create(self) -> str:
        """A new, empty database."""
        name = f"estate{next(self.numbers)}"
        engine = create_engine(self.url("postgres").replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return self.url(name)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """PostgreSQL refuses to be run by root: then the user `postgres` runs it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    programs = found[-1] if found else Path(shutil.which("initdb") or "initdb").parent
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # Short: the path of a socket may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="rm-pg-", dir="/tmp"))
    if as_user:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c full_page_writes=off"

    def call(*arguments: str) -> None:
        told = subprocess.run(
            [*as_user, *arguments], check=False, cwd=folder, capture_output=True, text=True, timeout=60
        )
        assert told.returncode == 0, told.stdout + told.stderr

    try:
        call(
            str(programs / "initdb"),
            "-D",
            str(data),
            "-A",
            "trust",
            "-U",
            "postgres",
            "-N",
            "-E",
            "UTF8",
            "--no-locale",
        )
        call(str(programs / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            yield Cluster(folder)
        finally:
            call(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def both_urls(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/estate.db"
    found: Cluster = request.getfixturevalue("cluster")
    return found.create()


@dataclass
class SmallEstate:
    """An opened database, an evidence folder and what is declared; time stands still unless a test moves it."""

    database: Database
    folder: EvidenceFolder
    path: Path
    manifest: Manifest = field(default_factory=Manifest)
    now: datetime = NOW
    profile: Profile = field(default_factory=lambda: Profile(keys=""))
    names: Iterator[int] = field(default_factory=count)

    @property
    def here(self) -> Surroundings:
        return Surroundings(None, self.manifest, self.database, self.folder)

    def declare(self, text: str) -> None:
        """What estate.toml says from now on."""
        self.manifest = load_manifest(text, "estate.toml")

    def settler(self) -> Settler:
        return Settler(self.database, self.folder, self.manifest.declared, lambda: self.now)

    def bring(
        self,
        path: Path,
        *,
        at: str | None,
        asked: str = THREE_HOSTS,
        ports: str | None = "tcp/1-1024,8080",
        zone: str = "default",
        vantage: str = "inside",
        canary: str = "",
        metadata: Path | None = None,
    ) -> Run:
        """Import a report without settling it."""
        told = Import(
            tool="nmap" if path.suffix == ".xml" else "zmap",
            path=path,
            asked=Targets.parse(asked),
            keys=Keys.parse(ports) if ports else None,
            zone=zone,
            vantage=vantage,
            at=moment(at) if at else None,
            canary=canary,
            metadata=metadata,
        )
        bindings = self.here.bindings(zone)
        policy = self.manifest.declared.sha256
        return import_report(self.database, self.folder, told, bindings, self.profile, policy, self.now)

    def settle(self, path: Path, **told: Any) -> Settled:
        """Import a report and settle it."""
        return self.settler().settle(self.bring(path, **told))

    def nmap(self, name: str, **told: Any) -> Settled:
        """Import and settle one of the real reports."""
        return self.settle(EVIDENCE / "nmap" / name, **told)

    def look(
        self, at: str, hosts: Mapping[str, Mapping[str, str] | str], ports: str = "tcp/22,80,443", **told: Any
    ) -> Settled:
        """Settle a made-up report: `hosts` say open, silent or closed of a port, or `down` or `timeout` of all of them.

        What a host does not mention is closed.
        """
        path = self.path / f"report-{next(self.names)}.xml"
        path.write_bytes(report(hosts, Keys.parse(ports), told.pop("version", "7.93")))
        told.setdefault("asked", ",".join(hosts))
        return self.settle(path, at=at, ports=ports, **told)

    def altered(self, name: str, old: bytes, new: bytes, *, after: bytes = b"") -> Path:
        """A real report with other words where the old ones first stand after some."""
        head, mark, tail = (EVIDENCE / "nmap" / name).read_bytes().partition(after or b"<nmaprun")
        assert old in tail
        path = self.path / f"altered-{next(self.names)}.xml"
        path.write_bytes(head + mark + tail.replace(old, new, 1))
        return path

    counted: ClassVar[type[Counter[Any]]] = Counter

    @staticmethod
    def reasons(run: Run) -> dict[str, int]:
        return dict(json.loads(run.reasons))

    @staticmethod
    def could_look(run: Run) -> bool:
        """Whether the command would exit with 0 and not with 3."""
        enough = run.asked - run.blind >= run.floor * run.asked
        return run.state in {"complete", "partial"} and enough

    def changes(self, run: Run | None = None) -> list[ChangeObject]:
        return list(list_changes(self.database, run=run))

    def kinds(self, settled: Settled) -> Counter[str]:
        return Counter(change["kind"] for change in self.changes(settled.run))

    def told(self, settled: Settled) -> list[tuple[str, str, str]]:
        """(kind, asset, key) of a run's changes."""
        return [(change["kind"], change["asset"], change["key"]) for change in self.changes(settled.run)]

    def findings(self, *, everything: bool = False) -> list[FindingObject]:
        chosen = Selection(everything=everything)
        return list(list_findings(self.database, self.manifest.declared, self.now, chosen))

    def assets(self) -> dict[str, list[str]]:
        return {row["asset"]: row["keys"] for row in list_assets(self.database, self.manifest.declared)}

    def history(self, asset: str, at: str, zone: str | None = None) -> dict[str, Any]:
        number, found = find_asset(self.database, asset, zone)
        return dict(history(self.database, number, found, moment(at)))

    def open_facts(self) -> set[tuple[Any, ...]]:
        """The state that holds now, without numbers."""
        return {
            tuple(value for name, value in row.items() if name not in {"from_seq", "to_seq"})
            for row in self.dump()["fact"]
            if row["to_seq"] is None
        }

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        """All facts, changes and findings with their lives, under names instead of numbers."""
        with self.database.read() as connection:
            runs = dict(connection.execute(select(RUN.c.seq, RUN.c.id)).tuples())
            assets = {row.id: (row.zone, row.kind, row.key) for row in connection.execute(select(ASSET))}
            names = dict(connection.execute(select(FINDING.c.id, FINDING.c.fingerprint)).tuples())
            spelled = {"asset_id": assets, "finding_id": names, "run_seq": runs}
            spelled |= dict.fromkeys(("from_seq", "to_seq", "first_seq"), runs)
            return {
                table.name: sorted(
                    (
                        {
                            name: spelled[name].get(value) if name in spelled else value
                            for name, value in row.items()
                            if name != "id"
                        }
                        for row in connection.execute(select(table)).mappings()
                    ),
                    key=repr,
                )
                for table in (FACT, CHANGE, FINDING, STEP)
            }


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def report(hosts: Mapping[str, Mapping[str, str] | str], asked: Keys, version: str = "7.93") -> bytes:
    """What nmap would say of these hosts."""
    rows = [
        f'<nmaprun scanner="nmap" args="nmap -v" start="1767225600" version="{version}">'.encode(),
        *(
            f'<scaninfo type="{kind}" protocol="{family}" numservices="{len(asked)}" services="{ports}"/>'.encode()
            for family, kind in (("tcp", "syn"), ("udp", "udp"))
            if (ports := str(asked & Keys.parse(f"{family}/*")).partition("/")[2])
        ),
    ]
    for address, states in hosts.items():
        kind = "ipv6" if ":" in address else "ipv4"
        away = states == "down"
        late = ' timedout="true"' if states == "timeout" else ""
        state, reason = ("down", "no-response") if away else ("up", "arp-response")
        rows.append(
            f'<host{late}><status state="{state}" reason="{reason}"/>'
            f'<address addr="{address}" addrtype="{kind}"/>'.encode()
        )
        if not isinstance(states, str):
            rows.append(b"<ports>" + b"".join(_port(key, states.get(key, "closed")) for key in asked) + b"</ports>")
        rows.append(b"</host>")
    total = len(hosts)
    up = sum(states != "down" for states in hosts.values())
    rows.append(
        f'<runstats><finished time="1767225601" exit="success"/><hosts up="{up}" down="{total - up}" total="{total}"/>'
        "</runstats></nmaprun>".encode()
    )
    return b"\n".join(rows)


def _port(key: str, state: str) -> bytes:
    family, _, number = key.partition("/")
    word, _, service = state.partition(" ")
    told, reason = SILENT_STATES.get(word, (word, "syn-ack"))
    probed = f'<service name="{service.partition(" ")[0]}" product="{service}" method="probed"/>' if service else ""
    return (
        f'<port protocol="{family}" portid="{number}"><state state="{told}" reason="{reason}"/>{probed}</port>'.encode()
    )


OpenEstate = Callable[..., SmallEstate]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with its tables: copying it is much faster than making one."""
    path = tmp_path_factory.mktemp("migrated") / "estate.db"
    open_database(f"sqlite:///{path}").engine.dispose()
    return path


@pytest.fixture
def open_estate(tmp_path: Path, migrated: Path) -> Iterator[OpenEstate]:
    """Open as many estates as a test needs; each has its own database unless it is given one's URL."""
    opened: list[SmallEstate] = []

    def open_one(url: str | None = None, folder: Path | None = None) -> SmallEstate:
        path = tmp_path / f"estate-{len(opened)}"
        path.mkdir()
        if url is None:
            shutil.copy(migrated, path / "estate.db")
        database = open_database(url or f"sqlite:///{path}/estate.db", busy_seconds=10)
        opened.append(SmallEstate(database, EvidenceFolder(folder or path / "evidence"), path))
        return opened[-1]

    yield open_one
    for one in opened:
        one.database.engine.dispose()


@pytest.fixture
def estate(open_estate: OpenEstate) -> SmallEstate:
    """An empty estate on SQLite."""
    return open_estate()


@pytest.fixture
def estate_on_both(open_estate: OpenEstate, both_urls: str) -> SmallEstate:
    """An empty estate, once on SQLite and once on PostgreSQL."""
    return open_estate(both_urls)


@pytest.fixture
def started(estate_on_both: SmallEstate) -> SmallEstate:
    """An estate whose first scan saw 12 open ports on three hosts."""
    first = estate_on_both.nmap("all_up.xml", at="2026-01-01")
    assert estate_on_both.kinds(first) == {"first_observed": 12}
    return estate_on_both
