"""What real nmap writes about services that change, mislead or attack their reader: one function per story."""

from infra.lab.network import THREE_HOSTS, Host, Mode, Service, onlink_lab
from infra.lab.nmap_sight import ASKED, TARGETS, Story, command, scan
from infra.lab.recorder import Recorder

_VERSIONS = ("-sV", "--version-light")
_NAME_SERVER = "10.77.0.53"


def ports_really_change(recorder: Recorder) -> None:
    """A service stops, another one starts, and one answers differently."""
    with onlink_lab() as lab:
        lab.hang_up("10.77.0.3", 8080)
        scan(recorder, lab, "port_closed.xml", "the service on .3 tcp/8080 was stopped", "1 gone (tcp/8080, by RST)")
        lab.listen("10.77.0.4", Service(993))
        scan(
            recorder,
            lab,
            "port_opened.xml",
            "that, and one on .4 tcp/993 was started",
            "1 gone, 1 appeared (tcp/993, whose absence was proved before)",
        )


def reverse_names(recorder: Recorder) -> None:
    """Only the PTR records change."""
    for name, prefix in (("rdns_before.xml", "web"), ("rdns_after.xml", "renamed")):
        table = "\n".join(f"{address} {prefix}-{address[-1]}.lab.test" for address in TARGETS).encode()
        resolver = Host(_NAME_SERVER, (Service(53, Mode.DNS, table, "udp"),))
        with onlink_lab((*THREE_HOSTS, resolver)) as lab:
            recorder.record(
                lab,
                command(name, "-R", "--dns-servers", _NAME_SERVER, *ASKED),
                [name],
                f"reverse DNS calls the hosts {prefix}-2, -3 and -4.lab.test",
                "no change, in either order: a reverse name is no identity",
            )


def versions(recorder: Recorder) -> None:
    """The same services asked for their versions, not asked, and one upgraded."""
    with onlink_lab() as lab:
        scan(
            recorder,
            lab,
            "versions_on.xml",
            "nothing changed, but versions were probed; tcp/443 closes at once",
            "no change: the attributes are new because the question is",
            *_VERSIONS,
        )
        scan(
            recorder,
            lab,
            "versions_off.xml",
            "nothing changed, and versions were not probed: service names are from nmap's own table",
            "no change",
        )
        lab.hang_up("10.77.0.2", 22)
        lab.listen("10.77.0.2", Service(22, Mode.BANNER, b"SSH-2.0-OpenSSH_9.6p1 Debian-4\r\n"))
        scan(
            recorder,
            lab,
            "version_changed.xml",
            "OpenSSH on .2 was upgraded from 9.2p1 to 9.6p1",
            "after versions_on: 1 changed (.2 tcp/22); after all_up: no change",
            *_VERSIONS,
        )


def tcp_and_udp(recorder: Recorder) -> None:
    """The same port number in two protocols, and the three faces of UDP."""
    table = b"10.77.0.2 ns.lab.test"
    services = (
        Service(53, Mode.DNS, table),
        Service(53, Mode.DNS, table, "udp"),
        Service(161, Mode.SILENT, b"", "udp"),
    )
    with onlink_lab((Host("10.77.0.2", services),)) as lab:
        recorder.record(
            lab,
            command("dns_tcp_udp.xml", "-n", "-sS", "-sU", "-p", "T:53,U:53,123,161", targets=("10.77.0.2",)),
            ["dns_tcp_udp.xml"],
            "tcp/53 and udp/53 answer, udp/161 listens but never answers, nothing listens on udp/123",
            "tcp/53 and udp/53 present, udp/123 negative (port unreachable), udp/161 silent (open|filtered)",
        )


def tarpit(recorder: Recorder) -> None:
    """Every port of a host seems open."""
    with onlink_lab((Host("10.77.0.2", (Service(9),)),)) as lab:
        lab.firewall.tarpit("10.77.0.2", 9)
        recorder.record(
            lab,
            command("tarpit.xml", "-n", "-p", "1-4096", targets=("10.77.0.2",)),
            ["tarpit.xml"],
            "one service answers on every port of .2",
            "one anomaly of the host, not 4,096 ports",
        )


def tcpwrapped(recorder: Recorder) -> None:
    """A service that accepts and hangs up."""
    with onlink_lab((Host("10.77.0.2", (Service(25), Service(443))),)) as lab:
        recorder.record(
            lab,
            command("tcpwrapped.xml", "-n", "-p", "25,443", *_VERSIONS, targets=("10.77.0.2",)),
            ["tcpwrapped.xml"],
            "tcp/25 and tcp/443 accept and close at once",
            "both present, service unknown: tcpwrapped is not a service, and no change when it comes and goes",
        )


def hostile_banner(recorder: Recorder) -> None:
    """Services that attack whoever prints, renders or parses what they say."""
    # nmap takes what stands between "+OK" and "Dovecot ready." into the service's extra information.
    said = (
        b"\x1b[2J\x1b[31mred\x1b]0;owned\x07",
        b"<script>alert(1)</script>",
        b"[x](javascript:alert(1)) | **b** `c` # ![](http://lab.invalid/x.png)",
        b"=cmd|' /C calc'!A0",
        b"\xff\xfe\xc3\x28 \x80 \xe2\x80\xae",
        b"\x01\x08\x0b\x7f",
        b"A" * 200,
    )
    services = [
        Service(2101 + at, Mode.BANNER, b"+OK " + text + b" Dovecot ready.\r\n") for at, text in enumerate(said)
    ]
    services += [
        Service(2121, Mode.BANNER, b"220 \x1b[31m<b>]]>&lt;\0\xff -->\r\n"),
        Service(2122, Mode.BANNER, b"X" * 1_000_000),
        Service(80, Mode.REPLY, b"HTTP/1.1 200 OK\r\n\r\n<title>\x1b[32m<script>alert(1)</script>]]>\xff\0</title>"),
        Service(8080, Mode.HTTP, b"\x1b[31m</script><script>alert(1)</script>"),
    ]
    resolver = Host(_NAME_SERVER, (Service(53, Mode.DNS, b"10.77.0.2 <script>alert(1)</script>.=1+1.test", "udp"),))
    with onlink_lab((Host("10.77.0.2", tuple(services)), resolver)) as lab:
        recorder.record(
            lab,
            command(
                "hostile_banner.xml",
                *("-R", "--dns-servers", _NAME_SERVER, *_VERSIONS, "--script", "banner,http-title,http-server-header"),
                *("-p", "80,8080,2101-2122"),
                targets=("10.77.0.2",),
            ),
            ["hostile_banner.xml"],
            "11 services send ANSI, HTML, Markdown, a spreadsheet formula, control characters, "
            "invalid UTF-8, a long line and a megabyte; so does reverse DNS",
            "11 present; whatever is shown of them is inert in a terminal, a page, a table and a spreadsheet",
        )


STORIES: tuple[Story, ...] = (
    ports_really_change,
    reverse_names,
    versions,
    tcp_and_udp,
    tarpit,
    tcpwrapped,
    hostile_banner,
)
