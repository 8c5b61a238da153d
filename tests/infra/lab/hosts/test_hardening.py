"""Hardening as a real kernel, packet filter and metadata service have it."""

import pytest

from infra.lab.hosts import lab_host
from infra.lab.hosts.collecting import Judged, collect, judge
from infra.lab.hosts.plants import Planted

pytestmark = pytest.mark.timeout(1_500)

SIX = "ip address add 2001:db8::7/64 dev lo nodad\n"
DROPS = "nft 'add table %s f; add chain %s f input { type filter hook input priority 0; policy drop; }'\n"
ACCEPTS = "nft 'add table ip f; add chain ip f input { type filter hook input priority 0; policy accept; }; %s'\n"
SERVES = (
    "ip address add 169.254.169.254/32 dev lo\n"
    "setsid perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(LocalAddr => q(169.254.169.254), LocalPort => 80,"
    ' Listen => 5) or die; while (my $c = $s->accept) { <$c>; print $c "HTTP/1.1 %s\\r\\n\\r\\nami-id\\n"; close $c }\''
    " </dev/null >/dev/null 2>&1 &\n"
    "for n in 1 2 3 4 5 6 7 8 9; do ss -Hlnt | grep -q 169.254.169.254:80 && break; sleep 0.1; done\n"
)


def judged(how: str, level: str = "standard") -> Judged:
    with lab_host("clean", [Planted("as the test wants it", how, "", "")]) as lab:
        return judge(collect(lab, level=level, groups=["hardening"]))


def failed(found: Judged, check: str) -> set[tuple[str, str]]:
    return {(each.resource, each.severity.value) for each in found.failures if each.check == check}


@pytest.mark.parametrize(
    ("how", "found"),
    [
        (SIX + DROPS.replace("%s", "inet"), set()),
        (SIX + DROPS.replace("%s", "ip"), {("ipv6", "medium")}),
        (DROPS.replace("%s", "ip"), set()),
        (
            ACCEPTS
            % 'add rule ip f input ct state established accept; add rule ip f input counter log prefix "no " reject',
            set(),
        ),
        (
            ACCEPTS % "add rule ip f input tcp dport 23 drop",
            {("ipv4", "medium")},
        ),
    ],
)
def test_the_kernels_own_rules_are_read(how: str, found: set[tuple[str, str]]) -> None:
    assert failed(judged(how), "HOST-HRD-001") == found


@pytest.mark.parametrize(
    ("answer", "found"), [("200 OK", {("169.254.169.254", "medium")}), ("401 Unauthorized", set()), ("", set())]
)
def test_the_metadata_service_is_asked_at_its_level(answer: str, found: set[tuple[str, str]]) -> None:
    how = SERVES.replace("%s", answer) if answer else ""
    said = judged(how, level="cloud")
    assert failed(said, "HOST-HRD-007") == found
    assert "HOST-HRD-007" not in said.unseen


def test_a_container_is_told_from_a_machine_of_its_own() -> None:
    with lab_host("busybox") as lab:
        assert b"container=yes" not in collect(lab, groups=[]).section("who")
        # Without process 2 of the kernel there is only what an engine lets see.
        lab.must("kill -9 2")
        assert b"container=yes" in collect(lab, groups=[]).section("who")
