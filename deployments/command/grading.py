"""`grade`: one TLS endpoint, no estate needed."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from blocks.surroundings import open_here
from deployments.command.options import EstateFile, Json, now
from deployments.command.permission import addresses_of, permit
from deployments.command.printing import hint, print_object, safe, show
from estate.assets import canonical_address, canonical_target
from estate.errors import BadInput, BadReport, BadTarget

if TYPE_CHECKING:
    from deployments.command.grades import GradeObject
    from estate.certificates.trust import TrustStore

_GRADES = ("A+", "A", "A-", "B", "C", "D", "E", "F", "M", "T")
_COULD_NOT_LOOK, _ABOVE = 3, 1


class Starttls(StrEnum):
    """The plaintext protocols in which TLS can be asked for."""

    SMTP = "smtp"
    IMAP = "imap"
    POP3 = "pop3"
    FTP = "ftp"
    LDAP = "ldap"
    XMPP = "xmpp"
    XMPP_SERVER = "xmpp-server"
    RDP = "rdp"
    POSTGRES = "postgres"
    MYSQL = "mysql"


_PORTS = {
    "smtp": 25,
    "imap": 143,
    "pop3": 110,
    "ftp": 21,
    "ldap": 389,
    "xmpp": 5222,
    "xmpp-server": 5269,
    "rdp": 3389,
    "postgres": 5432,
    "mysql": 3306,
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(grade)


def grade(
    endpoint: Annotated[str, typer.Argument(help="HOST, HOST:PORT or [IPv6]:PORT; port 443 unless it is said.")],
    name: Annotated[
        str | None, typer.Option("--name", help="The server name to ask for; HOST if it is a name.")
    ] = None,
    roots: Annotated[
        Path | None, typer.Option("--roots", help="Your own root certificates (PEM), trusted beside Mozilla's.")
    ] = None,
    starttls: Annotated[Starttls | None, typer.Option("--starttls", help="Ask for TLS inside this protocol.")] = None,
    fail_under: Annotated[
        str | None, typer.Option("--fail-under", help="Exit 1 if the grade is worse than this: A+, A, A-, B …")
    ] = None,
    i_may_scan_this: Annotated[
        bool, typer.Option("--i-may-scan-this", help="Say so where no scope covers it; kept with your name.")
    ] = False,
    as_json: Json = False,
    estate: EstateFile = None,
) -> int:
    """Grade one TLS endpoint as SSL Labs would, with reasons.

    And with what to change.
    """
    if fail_under is not None and fail_under not in _GRADES:
        raise BadInput(f"--fail-under {fail_under[:20]!r} is no grade: {', '.join(_GRADES)}")
    host, port = _read_endpoint(endpoint, starttls)
    sni = canonical_target(name) if name else None if canonical_address(host) else host
    trusted = read_roots(roots)
    here = open_here(estate)
    addresses = addresses_of(host)
    permit(here, host, addresses, said=i_may_scan_this, may_ask=not as_json)
    graded = _ask(addresses, port, sni, starttls, trusted)
    worst = max(_counted(graded), key=lambda one: _badness(one["grade"]))
    if as_json:
        head = {"endpoint": _spell(host, port), **worst}
        print_object(head, {"addresses": [{"address": one["address"], "grade": one["grade"]} for one in graded]})
    else:
        for one in graded:
            _print(host, port, one)
    if worst["grade"] is None:
        return _COULD_NOT_LOOK
    return _ABOVE if fail_under and _badness(worst["grade"]) > _GRADES.index(fail_under) else 0


def _read_endpoint(text: str, starttls: Starttls | None) -> tuple[str, int]:
    port = _PORTS[starttls.value] if starttls else 443
    host, given = text, str(port)
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        given = rest.removeprefix(":") if rest else given
        if rest and not rest.startswith(":"):
            raise BadTarget(f"{text[:60]!r} is no endpoint: write [IPv6]:PORT")
    elif text.count(":") == 1:
        host, _, given = text.partition(":")
    if not (given.isascii() and given.isdigit() and len(given) <= 5 and 1 <= int(given) <= 65_535):
        raise BadTarget(f"{given[:20]!r} is not a port")
    return canonical_target(host), int(given)


def read_roots(path: Path | None) -> "TrustStore":
    """Mozilla's roots, and those of a file.

    Raises:
        BadInput: the file cannot be read, or holds no certificate.
    """
    from estate.certificates.reading import read_certificates
    from estate.certificates.trust import TrustStore

    if path is None:
        return TrustStore.of()
    try:
        found = read_certificates(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    except BadReport as error:
        raise BadInput(f"{path}: {error}") from None
    if not found:
        raise BadInput(f"{path} holds no certificate")
    return TrustStore.of(found)


def _ask(
    addresses: Sequence[str], port: int, sni: str | None, starttls: Starttls | None, roots: "TrustStore"
) -> list["GradeObject"]:
    from deployments.command.grades import grade_object
    from estate.tls.evidence import read_tls
    from estate.tls.judging import judge_endpoint
    from tasks.tls.ask import ask_tls
    from tasks.tls.question import TlsQuestion

    graded = []
    with TemporaryDirectory(prefix="roundsman-") as folder:
        for address in addresses:
            question = TlsQuestion(address, port, sni, starttls.value if starttls else None)
            with ask_tls(question, Path(folder)).path.open("rb") as stream:
                evidence = read_tls(stream)
            graded.append(grade_object(evidence, judge_endpoint(evidence, roots, now())))
    return graded


def _counted(graded: Sequence["GradeObject"]) -> Sequence["GradeObject"]:
    """Where one address of a name has a grade, another at which nothing listens takes none away."""
    listening = [one for one in graded if one["outcome"] != "refused"]
    return listening if any(one["grade"] for one in listening) else graded


def _spell(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _badness(found: str | None) -> int:
    return len(_GRADES) if found is None else _GRADES.index(found)


def _print(host: str, port: int, one: "GradeObject") -> None:
    trust = f", {one['grade_trust_ignored']} if trust is ignored" if one["grade"] in {"T", "M"} else ""
    verdict = one["grade"] or "no grade"
    show(safe(f"{verdict}{trust}  {_spell(host, port)} at {one['address']}, by the guide {one['criteria']}", 200))
    if one["not_gradable"]:
        best = f"; {one['at_best']} at best" if one["at_best"] else ""
        show(safe(f"{one['not_gradable']}{best}", 400))
    for reason in one["reasons"]:
        show(safe(f"  {reason['effect']}: {reason['evidence']}  ({reason['rule']})", 200))
    for advice in one["advice"]:
        show(safe(f"  to do: {advice['text']}", 200))
    if one["certificate"]:
        shown = one["certificate"]
        show(safe(f"  certificate: {shown['subject']}, until {shown['not_after'][:10]}, by {shown['issuer']}", 200))
    if one["advice"]:
        hint("--json has the settings for nginx, Apache, HAProxy, IIS, Azure Application Gateway and AWS ELB")
