"""Settle a report that was made elsewhere as a run: what was asked is said by whoever imports it."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from estate.assets import canonical_zone
from estate.coverage import Keys
from estate.errors import BadInput, BadReport
from estate.evidence import EvidenceStore
from estate.ports.nmap import NmapReader
from estate.ports.shard import PortShard
from estate.ports.zmap import read_zmap
from estate.store.database import Database
from estate.store.runs import NewRun, Profile, Stored, add_evidence, end_shard, open_run, run_named, shards_of
from estate.store.tables import Run
from estate.targets import Targets
from estate.text import printable

TOOLS = ("nmap", "zmap")


@dataclass(frozen=True, slots=True)
class Import:
    """What an operator says of a report: who was asked what, where and when."""

    tool: str
    path: Path
    asked: Targets
    keys: Keys | None
    zone: str
    vantage: str
    at: datetime | None
    canary: str
    metadata: Path | None = None


def import_report(
    database: Database,
    evidence: EvidenceStore,
    told: Import,
    bindings: Mapping[str, tuple[str, ...]],
    profile: Profile,
    policy_sha256: str,
    now: datetime,
) -> Run:
    """Store the report and open its run; the same digest, asked set, zone and time is the same run.

    A report that says that it was begun later than now is taken to be of now.

    Raises:
        BadInput: no keys are known, or the time that was said lies in the future.
        BadReport: the report cannot be read.
        EvidenceNotStored: the evidence folder is full.
    """
    canonical_zone(told.zone)
    if told.tool not in TOOLS:
        raise BadInput(f"there is no reader for {told.tool!r}; there are: {', '.join(TOOLS)}")
    if not told.path.is_file():
        raise BadInput(f"{told.path} is not a file")
    claimed, engine, started = _head(told)
    keys = told.keys or claimed
    if not keys:
        raise BadInput(f"{told.path} does not say which ports were asked: say it with --ports")
    when = told.at or started
    if told.at and told.at > now:
        raise BadInput(f"{told.at.isoformat()} lies in the future: when was it looked? (--at)")
    # A scanner's clock that is ahead must not make every real look of the next days an old one.
    looked_at = min(when or now, now)
    ref = evidence.put(told.path)
    companion = evidence.put(told.metadata) if told.metadata else None
    owned = {address for found in bindings.values() for address in found}
    targets = told.asked.without(owned)
    bound = {asset: found for asset, found in bindings.items() if any(one in told.asked for one in found)}
    shard = PortShard(targets, keys, bound)
    identity = json.dumps(
        [
            told.tool,
            ref.sha256,
            companion.sha256 if companion else "",
            shard.to_json(),
            told.zone,
            told.vantage,
            when.isoformat() if when else "",
            told.canary,
        ],
        separators=(",", ":"),
    )
    run = open_run(
        database,
        NewRun(
            id="i" + hashlib.sha256(identity.encode()).hexdigest()[:31],
            scan="ports",
            scope="import",
            zone=told.zone,
            vantage=told.vantage,
            trigger="import",
            profile=Profile(str(keys), profile.versions, profile.silences, profile.breaker),
            looked_at=looked_at,
            shards=(shard.to_json(),),
            policy_sha256=policy_sha256,
            engine=engine,
            choice=f"imported from {printable(told.path.name, 200)}",
            canary=told.canary,
            floor=0.5,
            warnings=(*_ahead(told, started, now), *_ignored(claimed, keys)),
        ),
        now,
    )
    seq = run.seq or 0
    add_evidence(database, seq, [Stored(0, 0, told.tool, ref, companion, "", engine)], now)
    if any(planned.state != "asked" for planned in shards_of(database, seq)):
        end_shard(database, seq, 0)
    return run_named(database, run.id)


def _ahead(told: Import, started: datetime | None, now: datetime) -> tuple[str, ...]:
    """What to say of a report that was made later than now."""
    if told.at or started is None or started <= now:
        return ()
    return (f"the report says that it was begun at {started:%Y-%m-%dT%H:%M:%SZ}, which is yet to come: taken as now",)


def _ignored(claimed: Keys, asked: Keys) -> tuple[str, ...]:
    """What to say where a report speaks of more than was asked."""
    beyond = claimed - asked
    return (f"the report also speaks of {len(beyond):,} keys that were not asked; they are ignored",) if beyond else ()


def _head(told: Import) -> tuple[Keys, str, datetime | None]:
    """What the report claims: keys, engine and start."""
    with ExitStack() as opened:
        try:
            stream = opened.enter_context(told.path.open("rb"))
            metadata = opened.enter_context(told.metadata.open("rb")) if told.metadata else None
            if told.tool == "zmap":
                only = [key for key in told.keys or () if len(told.keys or ()) == 1]
                sweep = read_zmap(stream, metadata, port=int(only[0].partition("/")[2]) if only else None)
                for _ in sweep:
                    pass  # what was asked, and whether all can be read, is known at the end
                return sweep.asked, "zmap", sweep.started
            reader = NmapReader(stream)
            next(iter(reader), None)
            head = reader.head
            return head.asked, f"{head.scanner} {head.version}".strip(), head.started
        except BadReport as error:
            raise BadReport(f"{told.path}: {error}") from error
        except OSError as error:
            raise BadInput(f"{error.filename}: {error.strerror}") from None
