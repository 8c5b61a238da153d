from collections.abc import Callable

import pytest

from estate.hosts.host import Host
from estate.hosts.privilege.cron import Job

MakeHost = Callable[..., Host]
Failed = Callable[[str, Host], tuple[dict[str, str], str]]

REFS = b"""R 41ed 0 0 /
R 41ed 0 0 /usr
R 41ed 0 0 /usr/bin
R 81ed 0 0 /usr/bin/backup
R 41ed 0 0 /etc
R 41ed 0 0 /etc/cron.hourly
R 41ed 0 0 /opt
R 41fd 0 997 /opt/ops
R 81ed 0 0 /opt/ops/run
R 41fd 0 996 /opt/nobodys
R 81ed 0 0 /opt/nobodys/run
R 81ed 1001 1001 /opt/bobs
R 43ff 0 0 /tmp
R 81ed 0 0 /tmp/roots
R 41ff 0 0 /srv
- /tmp/absent
- /opt/absent
- /srv/a/b
L /usr/bin/link\t/opt/bobs
R 81ed 1001 1001 /usr/bin/link
"""


def table(*jobs: str, path: str = "/etc/crontab", stat: str = "81a4 0 0") -> bytes:
    return "".join((f"= {stat} {path}\n", *(f"J {job}\n" for job in jobs))).encode()


def test_what_roots_jobs_run_must_be_roots(known: MakeHost, failed: Failed) -> None:
    jobs = table(
        "root /opt/bobs",
        "root test /x ; /opt/ops/run /usr/bin/backup",
        "root /opt/nobodys/run",
        "root /tmp/roots",
        "root /tmp/absent",
        "root /opt/absent",
        "root nice flock /tmp/absent /srv/a/b",
        "root /usr/bin/link",
        "root cd / ; run-parts /etc/cron.hourly",
        "root /usr/bin/backup /opt/bobs",
        "bob /opt/bobs",
    )
    found, reason = failed("011", known({"cron": jobs, "refs": REFS}))
    assert reason == ""
    assert found == dict.fromkeys(("/opt/bobs", "/opt/ops/run", "/tmp/absent", "/srv/a/b", "/usr/bin/link"), "critical")


def test_a_job_whose_target_was_not_looked_at_resolves_nothing(known: MakeHost, failed: Failed) -> None:
    assert failed("011", known({"cron": table("root /never/asked"), "refs": REFS})) == ({}, "not-asked")
    assert failed("011", known({"cron": table("root /usr/bin/backup"), "refs": REFS})) == ({}, "")


def test_to_an_ordinary_account_what_is_hidden_is_not_absent(known: MakeHost, failed: Failed) -> None:
    refs = b"R 41ed 0 0 /\nR 41c0 0 0 /root\n- /root/run\nR 41ed 0 0 /opt\n- /opt/run\n"
    hidden = known({"cron": table("root /root/run"), "refs": refs}, uid=1000)
    assert failed("011", hidden) == ({}, "no-privilege")
    assert failed("011", known({"cron": table("root /opt/run"), "refs": refs}, uid=1000)) == ({}, "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("/bin/x",), ["/bin/x"]),
        (("sh", "/a/b.sh", "/c"), ["/a/b.sh"]),
        (("/usr/bin/python3.11", "/a.py"), ["/usr/bin/python3.11", "/a.py"]),
        (("nice", "ionice", "/bin/x"), ["/bin/x"]),
        (("flock", "/run/lock", "/bin/x"), ["/bin/x"]),
        (("[", "/bin/x"), []),
        (("cp", "/a", "/b"), []),
        ((), []),
    ],
)
def test_what_a_job_executes(words: tuple[str, ...], expected: list[str]) -> None:
    assert list(Job("/etc/crontab", "root", (words,)).runs()) == expected


def test_tables_and_directories_of_cron_are_written_by_root_alone(known: MakeHost, failed: Failed) -> None:
    body = b"".join(
        table(path=path, stat=stat)
        for path, stat in (
            ("/etc/crontab", "81a4 0 0"),
            ("/etc/cron.d/open", "81b6 0 0"),
            ("/etc/cron.d/bobs", "81a4 1001 1001"),
            ("/etc/cron.d/ops", "81b4 0 997"),
            ("/etc/cron.d/nobodys", "81b4 0 996"),
            ("/etc/cron.daily", "41ff 0 0"),
            ("/var/spool/cron/crontabs", "43d8 0 101"),
            ("/var/spool/cron/crontabs/bob", "8180 1001 101"),
            ("/var/spool/cron/crontabs/root", "8180 1001 101"),
        )
    )
    assert failed("012", known({"cron": body, "refs": b""})) == (
        dict.fromkeys(
            (
                *("/etc/cron.d/open", "/etc/cron.d/bobs", "/etc/cron.d/ops", "/etc/cron.daily"),
                "/var/spool/cron/crontabs/root",
            ),
            "critical",
        ),
        "",
    )


@pytest.mark.parametrize("check_id", ["011", "012"])
def test_a_spool_that_could_not_be_read_resolves_nothing(known: MakeHost, failed: Failed, check_id: str) -> None:
    body = b"= 43d8 0 101 /var/spool/cron/crontabs\n! /var/spool/cron/crontabs\n"
    assert failed(check_id, known({"cron": body, "refs": b""}, {"cron": "no-privilege"})) == ({}, "no-privilege")
