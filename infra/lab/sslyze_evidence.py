"""Make tests/evidence/sslyze anew: sslyze's own command line against servers of the TLS lab, and a table of the truth.

    .venv/bin/python -m infra.lab.sslyze_evidence

Takes about a minute and stays on loopback. Where sslyze is installed is taken out of the reports, and nothing else.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from socket import (
    AF_INET,
    SHUT_RDWR,
    SO_LINGER,
    SOCK_STREAM,
    SOL_SOCKET,
    create_connection,
    socket,
)
from struct import pack

from infra.lab.tls.case import Case
from infra.lab.tls.lab import TlsLab, tls_lab

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "evidence" / "sslyze"
_SUITES = ("--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3")
_HOLES = ("--compression", "--heartbleed", "--openssl_ccs", "--robot", "--reneg")
_REST = ("--certinfo", "--http_headers", "--fallback", "--resum", "--early_data", "--elliptic_curves", "--ems")
ALL = (*_SUITES, *_HOLES, *_REST)


@dataclass(frozen=True, slots=True)
class Story:
    """One run of sslyze, what was really there, and what a reader must conclude."""

    file: str
    cases: tuple[str, ...]
    options: tuple[str, ...]
    happened: str
    conclude: str
    more: tuple[str, ...] = ()
    limit: int = 0


STORIES = (
    Story("perfect.json", ("perfect",), ALL, "nothing is wrong", "A+ where the lab's root is trusted, T otherwise"),
    Story(
        "several.json", ("tls10-on", "closed", "plaintext", "tls13-only"), ("--certinfo", *_SUITES, *_HOLES),
        "one server takes TLS 1.0, one port is closed, one speaks HTTP without TLS, and a string is no server",
        "B for the first, though HSTS was not asked: it could not make it better; blind for the closed one and the "
        "plaintext; the last is not gradable (hsts)", more=("no server at all",),
    ),
    Story(
        "rate_limited.json", ("tls10-on",), ("--certinfo", *_SUITES, *_HOLES),
        "TLS 1.0 is on, behind a front that resets all but 300 connections, which sslyze counts as suites rejected",
        "no version is off by a reset, and no list of suites is whole: not gradable", limit=300,
    ),
    Story(
        "smtp_starttls.json", ("smtp-starttls",), (*_SUITES, *_HOLES, "--certinfo", "--http_headers",
        "--starttls=smtp"),
        "a good mail server; http_headers fails with WRONG_USAGE", "A: what speaks no HTTP has no HSTS",
    ),
    Story("expired.json", ("expired",), ("--certinfo",), "the certificate has expired; nothing else was asked",
          "certificate-expired; T, since no other answer could change that"),
    Story("revoked.json", ("revoked",), ("--certinfo", "--certinfo_ca_file=roots.pem"),
          "the staple says revoked, and sslyze keeps no bytes of it",
          "T for the revocation, and it is not known what is wrong with the staple itself"),
    Story("revoked_says_a_stranger.json", ("revoked",), ("--certinfo",),
          "the same, but sslyze was not told whom to trust", "blind: it may be revoked, so not gradable"),
    Story("nothing_but_tls12.json", ("perfect",), ("--tlsv1_2",), "only TLS 1.2 was asked",
          "the suites of TLS 1.2; not gradable, and everything else blind"),
    Story(
        "client_certificate.json", ("client-certificate-first",), ("--certinfo", "--http_headers", "--reneg"),
        "the server insists on a client certificate, so that commands fail with CLIENT_CERTIFICATE_NEEDED",
        "these are blind, each with its reason",
    ),
    Story(
        "small_blocks.json", ("3des-last",), (*_SUITES, *_HOLES, "--certinfo", "--http_headers"),
        "3DES is offered, last; sslyze does not say what is preferred",
        "not gradable: whether 3DES is used decides between B and C",
    ),
)  # fmt: skip


def main() -> int:
    """Run every story and write the table."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = ["| file | what really happened | what must be concluded | command |", "|---|---|---|---|"]
    names = dict.fromkeys(name for story in STORIES for name in story.cases)
    with tls_lab(names) as lab:
        (FOLDER / "roots.pem").write_bytes(lab.roots.read_bytes())
        for story in STORIES:
            print(story.file, flush=True)
            with _front(lab, story) as cases:
                shown = _record(story, cases)
            rows.append(f"| `{story.file}` | {story.happened} | {story.conclude} | `{shown}` |")
    introduction = (
        "# sslyze\n\nReports of sslyze's command line about servers of the TLS lab, made by `python -m "
        "infra.lab.sslyze_evidence`. `roots.pem` is whom the lab trusts.\n\n"
    )
    (FOLDER / "README.md").write_text(introduction + "\n".join(rows) + "\n", encoding="utf-8")
    return 0


def _record(story: Story, cases: Sequence[Case]) -> str:
    targets = [*map(_target, cases), *story.more]
    options = (*story.options, "--mozilla_config=disable")
    path = FOLDER / story.file
    path.unlink(missing_ok=True)
    program = Path(sys.executable).with_name("sslyze")
    subprocess.run(
        (program, "--quiet", "--json_out", story.file, *options, *targets),
        check=True, timeout=300, capture_output=True, cwd=FOLDER,
    )  # fmt: skip
    installed = str(Path(sys.prefix).resolve())
    path.write_text(path.read_text("utf-8").replace(installed, "/opt/sslyze"), "utf-8")
    return " ".join(
        ("sslyze --json_out FILE", *(f"'{word}'" if " " in word else word for word in (*options, *targets)))
    )


@contextmanager
def _front(lab: TlsLab, story: Story) -> Iterator[tuple[Case, ...]]:
    """The servers of a story, behind a front that resets who comes too often, where it says so."""
    cases = tuple(lab.cases[name] for name in story.cases)
    if not story.limit:
        yield cases
        return
    (behind,) = cases
    with socket(AF_INET, SOCK_STREAM) as listener:
        listener.bind((behind.address, 0))
        listener.listen(64)
        threading.Thread(target=_limit, args=(listener, behind, story.limit), daemon=True).start()
        yield (replace(behind, port=listener.getsockname()[1]),)
        with suppress(OSError):
            listener.shutdown(SHUT_RDWR)


def _limit(listener: socket, behind: Case, allowed: int) -> None:
    for number in count():
        try:
            client, _ = listener.accept()
        except OSError:
            return
        if number >= allowed:
            # After the hello: a reset before it is a connection that failed, which sslyze calls so.
            client.recv(1)
            client.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
            client.close()
            continue
        server = create_connection((behind.address, behind.port), 5)
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _pass_on(source: socket, sink: socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(SHUT_RDWR)


def _target(case: Case) -> str:
    return f"{case.sni}:{case.port}{{{case.address}}}"


if __name__ == "__main__":
    sys.exit(main())
