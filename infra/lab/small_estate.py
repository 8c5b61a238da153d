"""A small estate with a database and evidence of its own, in which reports are settled and looked at from all sides."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Connection, event, func, select
from sqlmodel import SQLModel

from estate.coverage import Keys
from estate.evidence import EvidenceRef
from estate.manifest import Manifest, load_manifest
from estate.ports.shard import PortShard
from estate.store.assets import find_asset, list_assets
from estate.store.chronicle import history
from estate.store.database import Database
from estate.store.documents import AssetObject, ChangeObject, FindingObject, RunObject
from estate.store.folder import EvidenceFolder
from estate.store.importing import Import, import_report
from estate.store.knowledge import known_assets
from estate.store.problems import Selection, list_findings
from estate.store.reading import list_changes, list_runs
from estate.store.rows import ASSET, CHANGE, COVERAGE, EVIDENCE, FACT, FINDING, IDENTIFIER, RUN, STEP
from estate.store.runs import NewRun, Profile, Stored, add_evidence, end_shard, open_run, run_named
from estate.store.settlement import Settled, Settler
from estate.store.surroundings import Surroundings
from estate.store.tables import Run
from estate.targets import Targets
from infra.lab.reports import Hosts, nmap_report

REPORTS = Path(__file__).parents[2] / "tests" / "evidence"
THREE_HOSTS = "10.77.0.2,10.77.0.3,10.77.0.4"
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


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
            at=_moment(at) if at else None,
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
        return self.settle(REPORTS / "nmap" / name, **told)

    def look(self, at: str, hosts: Hosts, ports: str = "tcp/22,80,443", **told: Any) -> Settled:
        """Settle a made-up report."""
        path = self.path / f"report-{next(self.names)}.xml"
        path.write_bytes(self.made_up(hosts, ports, told.pop("version", "7.93")))
        told.setdefault("asked", ",".join(hosts))
        return self.settle(path, at=at, ports=ports, **told)

    def altered(self, name: str, old: bytes, new: bytes, *, after: bytes = b"") -> Path:
        """A real report with other words where the old ones first stand after some."""
        head, mark, tail = (REPORTS / "nmap" / name).read_bytes().partition(after or b"<nmaprun")
        assert old in tail
        path = self.path / f"altered-{next(self.names)}.xml"
        path.write_bytes(head + mark + tail.replace(old, new, 1))
        return path

    moment = staticmethod(_moment)
    counted: ClassVar[type[Counter[Any]]] = Counter

    @staticmethod
    def reasons(run: Run) -> dict[str, int]:
        return dict(json.loads(run.reasons))

    @staticmethod
    def warnings(run: Run) -> list[str]:
        return list(json.loads(run.warnings))

    @staticmethod
    def could_look(run: Run) -> bool:
        """Whether the command would exit with 0 and not with 3."""
        enough = run.asked - run.blind >= run.floor * run.asked
        return run.state in {"complete", "partial"} and enough

    def made_up(self, hosts: Hosts, ports: str, version: str = "7.93") -> bytes:
        """A report of hosts that do not exist; as with real ones, no two are the same bytes."""
        return nmap_report(hosts, Keys.parse(ports), version) + b"<!-- %d -->" % next(self.names)

    def evidence(self, name: str) -> Path:
        return REPORTS / "nmap" / name

    def zmap(self, name: str) -> Path:
        return REPORTS / "zmap" / name

    def sweep(
        self,
        at: str,
        hosts: Hosts,
        *,
        shards: int = 1,
        ports: str = "tcp/22,80,443",
        looks: Sequence[int] = (0,),
        reports: Sequence[Hosts] = (),
        settle: bool = True,
        **more: Any,
    ) -> Settled:
        """Settle a run as a flow makes one: planned in shards, with one report for each look at each shard."""
        names = sorted(hosts)
        size = -(-len(names) // shards)
        slices = [names[start : start + size] for start in range(0, len(names), size)]
        keys = Keys.parse(ports)
        run_id = f"run-{at}-{next(self.names)}"
        plans = tuple(PortShard(Targets.parse(names), keys).to_json() for names in slices)
        more = {"profile": replace(self.profile, keys=ports), "looked_at": _moment(at), **more}
        run = open_run(self.database, self.new_run(run_id, shards=plans, **more), self.now)
        for number, members in enumerate(slices):
            for nth, look in enumerate(looks):
                told = reports[nth] if reports else hosts
                path = self.path / f"{run_id}-{number}-{nth}.xml"
                path.write_bytes(nmap_report({name: told[name] for name in members}, keys) + b"<!-- %d -->" % nth)
                stored = Stored(number, look, "nmap", self.folder.put(path))
                add_evidence(self.database, run.seq or 0, [stored], self.now)
            end_shard(self.database, run.seq or 0, number)
        return self.settler().settle(run) if settle else Settled(run, run.state)

    def new_run(self, name: str, *, shards: tuple[str, ...] = (), **more: Any) -> NewRun:
        """A run to be opened, by its name."""
        told: dict[str, Any] = {
            "scan": "ports",
            "scope": "house",
            "zone": "default",
            "vantage": "inside",
            "trigger": "test",
            "profile": Profile(keys="tcp/22"),
            "looked_at": self.now,
            "engine": "nmap 7.93",
        }
        return NewRun(id=name, shards=shards, **(told | more))

    @staticmethod
    def stored(shard: int, look: int, letter: str) -> Stored:
        """A document that need not exist."""
        return Stored(shard, look, "nmap", EvidenceRef(letter * 64, 1))

    def rules(self, **rules: Any) -> Profile:
        return replace(self.profile, **rules)

    def add(self, run: Run, shard: int, hosts: Hosts, ports: str = "tcp/22,80") -> None:
        """Bring one more report for a shard of a run."""
        path = self.path / f"more-{next(self.names)}.xml"
        path.write_bytes(self.made_up(hosts, ports))
        add_evidence(self.database, run.seq or 0, [Stored(shard, 0, "nmap", self.folder.put(path))], self.now)

    @staticmethod
    def evidence_names(connection: Connection, run: Run) -> list[str]:
        return list(connection.execute(select(EVIDENCE.c.sha256).where(EVIDENCE.c.run_seq == run.seq)).scalars())

    @contextmanager
    def disk_with(self, database: Database, pages: int) -> Iterator[None]:
        """Let SQLite find so many pages of disk and no more, which it says as it says ENOSPC."""

        def limit(connection: Any) -> None:
            used = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {used + pages}")

        def connected(connection: Any, _record: Any) -> None:
            limit(connection)

        database.engine.dispose()
        event.listen(database.engine, "connect", connected)
        yield
        event.remove(database.engine, "connect", connected)
        database.engine.dispose()

    def row_counts(self) -> dict[str, int]:
        with self.database.read() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in SQLModel.metadata.sorted_tables
            }

    @contextmanager
    def counting_writes(self) -> Iterator[list[int]]:
        """How many rows every statement inserted, updated or deleted."""
        counts: list[int] = []

        def count_rows(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
            if statement.startswith(("INSERT", "UPDATE", "DELETE")):
                counts.append(cursor.rowcount)

        event.listen(self.database.engine, "after_cursor_execute", count_rows)
        yield counts
        event.remove(self.database.engine, "after_cursor_execute", count_rows)

    def readings(self, asset: str = "10.77.0.4") -> dict[str, Any]:
        """Everything that a reader may ask for."""
        return {
            "changes": self.changes(),
            "findings": self.findings(everything=True),
            "assets": self.here_assets(),
            "known": known_assets(self.database, "default", "inside", "ports"),
            "history": self.history(asset, "2026-02-01"),
        }

    @staticmethod
    def count_facts(connection: Connection) -> int:
        return connection.execute(select(func.count()).select_from(FACT)).scalar_one()

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

    def run_ids(self) -> list[str]:
        """In the order in which they came."""
        with self.database.read() as connection:
            return list(connection.execute(select(RUN.c.id).order_by(RUN.c.seq)).scalars())

    def identifiers(self) -> list[tuple[Any, ...]]:
        with self.database.read() as connection:
            return [tuple(row) for row in connection.execute(select(IDENTIFIER).order_by(IDENTIFIER.c.id))]

    def runs(self) -> list[RunObject]:
        return list(list_runs(self.database))

    def coverage(self) -> list[tuple[Any, ...]]:
        """Which map each run's shards have, by verdict."""
        columns = (COVERAGE.c.shard, COVERAGE.c.part, COVERAGE.c.verdict, COVERAGE.c.map)
        query = select(RUN.c.id, *columns).join(RUN, RUN.c.seq == COVERAGE.c.run_seq)
        with self.database.read() as connection:
            return sorted(tuple(row) for row in connection.execute(query))

    def overlapping_facts(self) -> list[Any]:
        """Keys with more than one fact that holds now: there must never be any."""
        key = (FACT.c.asset_id, FACT.c.vantage, FACT.c.aspect, FACT.c.key)
        query = select(*key).where(FACT.c.to_seq.is_(None)).group_by(*key).having(func.count() > 1)
        with self.database.read() as connection:
            return list(connection.execute(query))

    def empty(self) -> None:
        """Forget everything but the tables."""
        tables = [table.name for table in reversed(SQLModel.metadata.sorted_tables)]
        with self.database.write() as connection:
            if self.database.is_sqlite:
                for name in (*tables, "sqlite_sequence"):
                    connection.exec_driver_sql(f"DELETE FROM {name}")
            else:
                connection.exec_driver_sql(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")
        self.names = count()

    def state_of(self, run: Run) -> str:
        return run_named(self.database, run.id).state

    def here_assets(self) -> list[AssetObject]:
        return list(list_assets(self.database, self.manifest.declared))

    def assets(self) -> dict[str, list[str]]:
        return {row["asset"]: row["keys"] for row in self.here_assets()}

    def history(self, asset: str, at: str, zone: str | None = None) -> dict[str, Any]:
        number, found = find_asset(self.database, asset, zone)
        return dict(history(self.database, number, found, _moment(at)))

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
            runs = dict(connection.execute(select(RUN.c.seq, RUN.c.id)).tuples().all())
            assets = {row.id: (row.zone, row.kind, row.key) for row in connection.execute(select(ASSET))}
            names = dict(connection.execute(select(FINDING.c.id, FINDING.c.fingerprint)).tuples().all())
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
