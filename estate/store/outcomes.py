"""What is wrong with what a run looked at."""

from collections.abc import Iterator
from datetime import datetime

from estate.store.documents import FindingObject
from estate.store.host_audit import HostAudit
from estate.store.joined import audited
from estate.store.problems import Selection, list_findings
from estate.store.scans import scan_named
from estate.store.surroundings import Surroundings
from estate.store.tables import Run


def findings_of(here: Surroundings, run: Run, now: datetime) -> Iterator[FindingObject]:
    """The findings of a run's scan, the riskiest first; an audit of one host says nothing of others."""
    wanted = Selection(run_seq=run.seq, aspect=scan_named(run.scan).aspect)
    found = list_findings(here.database, here.policy, now, wanted)
    if run.scan != HostAudit.name:
        return found
    hosts = audited(here.database, run)
    return (one for one in found if one["asset"] in hosts)
