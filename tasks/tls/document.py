"""Write the document that is the evidence of one endpoint: what was found, and why the rest is not known."""

import base64
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from estate.tls.evidence import (
    CHECKS,
    VERSIONS,
    Asked,
    Certificates,
    Check,
    ClientCertificate,
    Curves,
    Failure,
    Hello,
    Hsts,
    Modern,
    Protocol,
    Revocation,
    TlsEvidence,
)
from tasks.tls.question import TlsQuestion


def blind(question: TlsQuestion, started: datetime, hello: Hello, reason: str) -> TlsEvidence:
    """A document in which nothing is known but the first hello."""
    return TlsEvidence(
        schema=1,
        asked=Asked(question.address, question.port, question.profile, question.name, question.starttls),
        started=started,
        hello=hello,
        engine=_engine(),
        protocols=dict.fromkeys(VERSIONS, Protocol("blind", reason)),
        modern=Modern("blind", reason),
        checks=dict.fromkeys(CHECKS, Check("blind", reason)),
        curves=Curves("blind", reason=reason),
        client_certificate=ClientCertificate("blind", reason),
        certificates=Certificates("blind", reason),
        hsts=Hsts("blind", reason=reason),
        revocation=Revocation("blind", reason=reason),
    )


def write(document: TlsEvidence, path: Path) -> None:
    """Write it whole or not at all, so that a process that is killed leaves what it knew before."""
    part = path.with_suffix(".part")
    told = asdict(document)
    told["started"] = document.started.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    told["engine"] = dict(document.engine)
    for deployment in told["certificates"]["deployments"]:
        deployment["trust"] = dict(deployment["trust"])
        if deployment["staple"] is not None:
            deployment["staple"] = base64.b64encode(deployment["staple"]).decode()
    part.write_text(json.dumps(told, ensure_ascii=True, separators=(",", ":")), "ascii")
    part.replace(path)


def add_failure(path: Path, failure: Failure) -> None:
    """Say in a document that is already there what became of the rest."""
    told = json.loads(path.read_text("ascii"))
    told["errors"].append({"command": failure.command, "reason": failure.reason})
    part = path.with_suffix(".part")
    part.write_text(json.dumps(told, ensure_ascii=True, separators=(",", ":")), "ascii")
    part.replace(path)


def with_failures(document: TlsEvidence, *failures: Failure) -> TlsEvidence:
    """The same, and what failed."""
    return replace(document, errors=(*document.errors, *failures))


def now() -> datetime:
    """This moment, in whole seconds as documents spell it."""
    return datetime.now(UTC).replace(microsecond=0)


@cache
def _engine() -> tuple[tuple[str, str], ...]:
    found = []
    for name in ("roundsman", "sslyze"):
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "0"))
    return tuple(found)
