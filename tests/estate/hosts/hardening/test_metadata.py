from collections.abc import Callable

import pytest

from estate.hosts.host import Host

Failed = Callable[[str, Host], tuple[dict[str, str], str]]
MakeHost = Callable[..., Host]


@pytest.mark.parametrize(("vendor", "severity"), [("Amazon EC2", "high"), ("Hetzner", "medium")])
def test_an_answer_without_a_token_is_a_hole(vendor: str, severity: str, host: MakeHost, failed: Failed) -> None:
    body = f"vendor={vendor}\nproduct=vServer\nstatus=200\n".encode()
    assert failed("HOST-HRD-007", host({"metadata": body})) == ({"169.254.169.254": severity}, "")


@pytest.mark.parametrize("status", ["401", "403", "000", ""])
def test_a_refusal_or_silence_is_none(status: str, host: MakeHost, failed: Failed) -> None:
    body = f"vendor=Amazon EC2\nproduct=t3.micro\nstatus={status}\n".encode()
    assert failed("HOST-HRD-007", host({"metadata": body})) == ({}, "")


def test_it_is_asked_at_one_level_only(host: MakeHost, failed: Failed) -> None:
    assert failed("HOST-HRD-007", host({})) == ({}, "not-asked")
    assert failed("HOST-HRD-007", host({}, faults={"metadata": "missing-tool"})) == ({}, "missing-tool")
