"""Nothing is touched outside the scope, counted where packets arrive; and nothing that is asked for is an option."""

from datetime import UTC, datetime, timedelta

import pytest

from infra.lab.network import Host, Mode, OnLinkLab, Service

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def estate(networks: str = '"10.77.0.0/29"', more: str = "", ports: str = "tcp/22,80") -> str:
    return f"""
[[scopes]]
name = "lab"
authorised_by = "the tests"
networks = [{networks}]
ports = "{ports}"
versions = false
{more}
"""


def to(address: str) -> dict[str, str]:
    """Rules that count packets to an address, and questions for its hardware address."""
    return {"sent": f"ip daddr {address}", "sought": f"arp daddr ip {address}"}


def test_an_excluded_address_never_gets_a_packet(lab_roundsman, wire) -> None:
    asked = {f"also_{name}": rule for name, rule in to("10.77.0.4").items()}
    wire.watch(**to("10.77.0.3"), **asked)
    lab_roundsman.describes(estate(more='exclude = ["10.77.0.3"]'))
    ran = lab_roundsman.scan()
    assert ran.code == 0
    assert "host:10.77.0.3" not in ran.out
    refused = lab_roundsman.scan("--only", "10.77.0.3")
    assert refused.code == 4
    assert "10.77.0.3 is excluded by 10.77.0.3/32" in refused.err
    assert (wire.packets("sent"), wire.packets("sought")) == (0, 0)
    assert wire.packets("also_sent") > 0


def test_an_excluded_name_is_left_out_by_what_it_resolves_to_and_by_what_was_declared(lab_roundsman, wire) -> None:
    hosts = lab_roundsman.folder / "hosts"
    hosts.write_text("127.0.0.1 localhost\n10.77.0.3 printer.lab\n")
    lab_roundsman.covered["/etc/hosts"] = str(hosts)
    declared = '\n[[assets]]\nname = "tray2.printer.lab"\naddresses = ["10.77.0.4"]\n'
    lab_roundsman.describes(estate(more='exclude = ["printer.lab"]' + declared))
    wire.watch(excluded="ip daddr { 10.77.0.3, 10.77.0.4 }", asked="ip daddr 10.77.0.2")
    ran = lab_roundsman.scan()
    assert ran.code == 0
    assert wire.packets("excluded") == 0
    assert wire.packets("asked") > 0


@pytest.mark.parametrize("only", ["10.77.0.77", "10.77.1.0/24", "169.254.169.254", "somewhere.else.example", "::1"])
def test_what_is_not_in_scope_is_refused_with_the_reason_and_gets_nothing(lab_roundsman, wire, only: str) -> None:
    wire.watch(anything="meta protocol { ip, arp }")
    lab_roundsman.describes(estate())
    ran = lab_roundsman.scan("--only", only)
    assert ran.code == 4
    assert f"{only.partition('/')[0]} is" in ran.err or f"{only} is out of scope" in ran.err
    assert (ran.out, wire.packets("anything")) == ("", 0)


def test_a_name_that_resolves_outside_is_refused_with_both_facts(lab_roundsman, onlink_lab: OnLinkLab) -> None:
    hosts = lab_roundsman.folder / "hosts"
    hosts.write_text("127.0.0.1 localhost\n10.77.0.2 moved.lab\n127.0.0.9 moved.lab\n10.77.0.3 stayed.lab\n")
    lab_roundsman.covered["/etc/hosts"] = str(hosts)
    onlink_lab.scanner.must(
        ("nft", "-f", "-"),
        stdin="""table inet watch {
            counter outside { }
            chain arriving { type filter hook input priority 0; ip daddr 127.0.0.9 counter name outside; }
        }""",
    )
    lab_roundsman.describes(estate(more='names = ["moved.lab", "stayed.lab"]'))
    refused = lab_roundsman.scan("--only", "moved.lab")
    assert refused.code == 4
    assert "moved.lab is one of its names, and it resolves to 10.77.0.2, 127.0.0.9" in refused.err
    assert "127.0.0.9 is in none of its networks (10.77.0.0/29)" in refused.err
    whole = lab_roundsman.scan()
    assert whole.code == 4
    assert "moved.lab is one of its names" in whole.err
    assert "host:stayed.lab" in whole.out
    assert any("127.0.0.9" in warning and "moved.lab" in warning for warning in whole.said["warnings"])
    assert whole.said["coverage"]["reasons"]["out-of-scope"] == 2
    told = onlink_lab.scanner.must(("nft", "list", "counter", "inet", "watch", "outside"))
    assert "packets 0 " in told


def test_a_scope_that_expired_or_is_closed_now_sends_nothing(lab_roundsman, wire) -> None:
    wire.watch(anything="meta protocol { ip, arp }")
    now = datetime.now(UTC)
    window = f'days = ["{WEEK[(now.weekday() + 3) % 7]}"], opens = "10:00", closes = "11:00", timezone = "UTC"'
    for line, told in (
        (f"valid_until = {(now - timedelta(days=2)).date()}", "expired at"),
        (f"valid_from = {(now + timedelta(days=2)).date()}", "is not valid before"),
        (f"windows = [{{ {window} }}]", "is outside its windows"),
    ):
        lab_roundsman.describes(estate(more=line))
        ran = lab_roundsman.scan()
        assert (ran.code, ran.out) == (4, "")
        assert told in ran.err
    assert wire.packets("anything") == 0


INJECTIONS = (
    "--only=-iL/etc/passwd",
    "--only=--script=http-title",
    "--only=10.77.0.2 --script x",
    "--only=10.77.0.2\n10.77.0.77",
    "--only=$(id)",
    "--only=10.77.0.2;id",
    "--only=10.77.0.2/29/../..",
    "--ports=-iL",
    "--ports=80 -oN /tmp/x",
    "--ports=80;id",
    "--ports=tcp/80\n-sC",
    "--scope=-iL",
)


def test_what_could_be_an_option_is_refused_before_any_tool_starts(lab_roundsman, wire) -> None:
    wire.watch(anything="meta protocol { ip, arp }")
    lab_roundsman.describes(estate())
    for argument in INJECTIONS:
        ran = lab_roundsman.scan(argument)
        assert (ran.code in {2, 4}, ran.out) == (True, ""), argument
        assert ran.err.strip(), argument
        assert "Traceback" not in ran.err, argument
    assert wire.packets("anything") == 0


def test_fragile_hosts_and_printers_are_never_sent_a_byte(lab_roundsman, onlink_lab: OnLinkLab, wire) -> None:
    for address in ("10.77.0.2", "10.77.0.3"):
        onlink_lab.listen(address, Service(9100, Mode.SILENT))
    onlink_lab.add(Host("10.77.0.5", (Service(22, Mode.SILENT),)))
    fragile = '\n[[assets]]\nname = "press.lab"\naddresses = ["10.77.0.5"]\nfragile = true\n'
    lab_roundsman.describes(
        estate(more='fragile = ["10.77.0.3"]' + fragile, ports="tcp/22,9100").replace("= false", "= true")
    )
    wire.watch(
        printers="tcp dport 9100 tcp flags & psh == psh",
        fragile="ip daddr { 10.77.0.3, 10.77.0.5 } tcp flags & psh == psh",
        others="ip daddr 10.77.0.2 tcp dport 22 tcp flags & (psh | ack) != 0",
    )
    ran = lab_roundsman.scan()
    seen = {(change["asset"], change["key"]) for change in ran.said["changes"]}
    assert {("host:10.77.0.2", "tcp/9100"), ("host:10.77.0.3", "tcp/9100"), ("host:press.lab", "tcp/22")} <= seen
    assert (wire.packets("printers"), wire.packets("fragile")) == (0, 0)
    assert wire.packets("others") > 0
