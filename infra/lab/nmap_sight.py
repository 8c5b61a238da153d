"""What real nmap writes when it sees hosts, or fails to: one function per story, each in a lab of its own."""

import signal
from collections.abc import Callable
from xml.etree import ElementTree

from infra.lab.network import THREE_HOSTS, Host, LabError, OnLinkLab, onlink_lab
from infra.lab.recorder import Recorder, signalled

TARGETS = tuple(host.address for host in THREE_HOSTS)
ASKED = ("-p", "1-1024,8080")

Story = Callable[[Recorder], None]


def command(name: str, *options: str, targets: tuple[str, ...] = TARGETS, verbose: bool = True) -> list[str]:
    """nmap's command line, with a report of this name."""
    return ["nmap", *(("-v",) if verbose else ()), "-T4", *options, "-oX", name, *targets]


def scan(
    recorder: Recorder, lab: OnLinkLab, name: str, happened: str, conclude: str, *options: str, verbose: bool = True
) -> None:
    """The usual question, `1-1024,8080` on three hosts, with a few options more."""
    recorder.record(lab, command(name, "-n", *ASKED, *options, verbose=verbose), [name], happened, conclude)


def all_up(recorder: Recorder) -> None:
    """The first look, and the same again."""
    with onlink_lab() as lab:
        scan(
            recorder,
            lab,
            "all_up.xml",
            "tcp/22, 80, 443 and 8080 are open on three hosts: the first scan, before every other one below",
            "12 first_observed",
        )
        scan(recorder, lab, "all_up_again.xml", "nothing changed", "no change")


def hosts_down(recorder: Recorder) -> None:
    """A host is off, and nmap says so, or not."""
    with onlink_lab() as lab:
        lab.take_down("10.77.0.4")
        scan(
            recorder,
            lab,
            "host_down_quiet.xml",
            ".4 is off; without -v nmap does not mention it, only runstats counts it",
            "4 lost_sight (host-down)",
            verbose=False,
        )
        scan(recorder, lab, "host_down_verbose.xml", ".4 is off", "4 lost_sight (host-down)")


def host_timeout(recorder: Recorder) -> None:
    """A host is too slow for nmap's patience."""
    with onlink_lab() as lab:
        lab.firewall.drop("10.77.0.3")
        scan(
            recorder,
            lab,
            "host_timeout.xml",
            ".3 swallows all packets and nmap gave it up after two seconds",
            "4 lost_sight (host-timeout)",
            "--host-timeout",
            "2s",
        )


def killed(recorder: Recorder) -> None:
    """nmap dies when one of three hosts is whole."""
    one_whole = "nothing changed, but nmap was ended by {} after the first of three hosts"
    for name, number in (("killed_sigkill.xml", signal.SIGKILL), ("killed_sigint.xml", signal.SIGINT)):
        with onlink_lab() as lab:
            recorder.record(
                lab,
                command(name, "-n", *ASKED, "--max-hostgroup", "1", "--max-rate", "400"),
                [name],
                one_whole.format(number.name),
                "4 verified (.2), 8 lost_sight (truncated)",
                signalled(number, lambda report: b"</host>" in report),
            )


def narrow(recorder: Recorder) -> None:
    """Fewer ports than last time."""
    with onlink_lab() as lab:
        recorder.record(
            lab,
            command("narrow.xml", "-n", "-p", "22,80"),
            ["narrow.xml"],
            "nothing changed, but only two ports were asked",
            "no change if 22,80 was asked; 6 lost_sight (not-in-report) if 1-1024,8080 was",
        )


def no_way_out(recorder: Recorder) -> None:
    """The scanner has no network, and nmap calls that a success."""
    with onlink_lab() as lab:
        lab.link_down()
        scan(
            recorder,
            lab,
            "interface_down.xml",
            "the scanner's own interface is down; nmap exits 0 with success and no host",
            "12 lost_sight (skipped)",
        )
        scan(
            recorder,
            lab,
            "no_route_connect.xml",
            "the same, connect scan without raw sockets: every host is said to be down, for net-unreach",
            "12 lost_sight: the fault is the scanner's, not the hosts'",
            "-sT",
            "--unprivileged",
        )
        scan(
            recorder,
            lab,
            "no_route_connect_pn.xml",
            "the same with -Pn: every host is up and every port filtered, for net-unreach",
            "12 lost_sight: no packet left the machine, although every line looks like an answer",
            "-sT",
            "--unprivileged",
            "-Pn",
        )


def unresolvable_name(recorder: Recorder) -> None:
    """A name without an address leaves no trace at all."""
    with onlink_lab() as lab:
        recorder.record(
            lab,
            command("unresolvable_name.xml", "-n", *ASKED, targets=("no-such-host.invalid",)),
            ["unresolvable_name.xml"],
            "the name has no address; nmap exits 0 and says so on stderr only",
            "every key of the name lost_sight (not-in-report)",
        )


def firewalls(recorder: Recorder) -> None:
    """A firewall swallows, refuses by RST, or refuses by ICMP."""
    with onlink_lab() as lab:
        lab.firewall.drop("10.77.0.3")
        scan(
            recorder,
            lab,
            "firewall_drop.xml",
            "a firewall swallows everything to .3, which still answers ARP",
            "4 suspected_gone, gone after 3 silences",
        )
        lab.firewall.calm()
        lab.firewall.refuse("10.77.0.3")
        scan(recorder, lab, "firewall_reject_rst.xml", "a firewall refuses everything to .3 by RST", "4 gone (by RST)")
        lab.firewall.calm()
        lab.firewall.refuse("10.77.0.3", by="admin-prohibited")
        scan(
            recorder,
            lab,
            "firewall_reject_icmp.xml",
            "a firewall refuses everything to .3 by ICMP admin-prohibited; the services still run behind it",
            "4 suspected_gone (admin-prohibited): no proof that nothing listens",
        )
    # Another lab: the kernel's limiter would still live on the credit of its former setting.
    with onlink_lab() as lab:
        lab.firewall.refuse("10.77.0.3", by="port-unreachable")
        lab.target.sysctl({"net.ipv4.icmp_msgs_per_sec": 200, "net.ipv4.icmp_msgs_burst": 20})
        scan(
            recorder,
            lab,
            "firewall_reject_icmp_limited.xml",
            "the same by ICMP port-unreachable, most of which the sender's own limiter swallows: "
            "one state with two reasons",
            "4 suspected_gone",
            "--max-retries",
            "1",
        )


def scanner_banned(recorder: Recorder) -> None:
    """Everybody ignores the scanner."""
    with onlink_lab() as lab:
        lab.ban_scanner()
        scan(
            recorder,
            lab,
            "scanner_banned.xml",
            "all hosts ignore the scanner, and are up by ARP",
            "12 suspected_gone; 12 lost_sight when the canary failed",
            "--max-retries",
            "1",
        )


def open_only(recorder: Recorder) -> None:
    """A report made with --open hides what it did not find."""
    with onlink_lab() as lab:
        lab.firewall.refuse("10.77.0.3")
        scan(
            recorder,
            lab,
            "open_only.xml",
            ".3 refuses everything by RST, but --open leaves it out",
            "8 verified, 4 lost_sight (not-in-report)",
            "--open",
        )


def ipv6_only(recorder: Recorder) -> None:
    """A host without an IPv4 address."""
    with onlink_lab((Host("fd77::6", THREE_HOSTS[0].services),)) as lab:
        recorder.record(
            lab,
            command("ipv6_only.xml", "-6", "-n", *ASKED, targets=("fd77::6",)),
            ["ipv6_only.xml"],
            "a host that has an IPv6 address only",
            "4 present on host:fd77::6, the rest negative",
        )


def connect_scan(recorder: Recorder) -> None:
    """Without raw sockets."""
    with onlink_lab() as lab:
        scan(
            recorder,
            lab,
            "connect_scan.xml",
            "nothing changed; nmap had no raw sockets, so that reasons are conn-refused instead of reset",
            "no change",
            "-sT",
            "--unprivileged",
        )


def lossy_sweep(recorder: Recorder) -> None:
    """One probe per port on a bad wire; repeated until an open port is among the losses."""
    for _ in range(20):
        with onlink_lab() as lab:
            lab.firewall.lose(10)
            scan(
                recorder,
                lab,
                "max_retries_0.xml",
                "nothing changed, but a tenth of the packets is lost and nmap asked once: "
                "at least one open port reads filtered",
                "no gone: the missed ones are silent (one suspected_gone each), or only a hint if asked as a sweep",
                "--max-retries",
                "0",
            )
        if _open_ports(recorder, "max_retries_0.xml") < 12:
            return
        recorder.forget()
    raise LabError("a tenth of the packets was lost twenty times without hitting an open port")


def _open_ports(recorder: Recorder, name: str) -> int:
    tree = ElementTree.parse(recorder.folder / name)
    return sum(state.get("state") == "open" for state in tree.iter("state"))


def listed_twice(recorder: Recorder) -> None:
    """The same address given twice."""
    with onlink_lab() as lab:
        recorder.record(
            lab,
            command("listed_twice.xml", "-n", *ASKED, targets=("10.77.0.2", "10.77.0.2")),
            ["listed_twice.xml"],
            "nothing changed; .2 was given twice on the command line",
            "4 keys of one host, counted once",
        )


def ping_scan(recorder: Recorder) -> None:
    """Hosts only, no ports."""
    with onlink_lab() as lab:
        lab.take_down("10.77.0.4")
        recorder.record(
            lab,
            command("ping_scan.xml", "-n", "-sn"),
            ["ping_scan.xml"],
            ".4 is off; no port was asked",
            "no port is judged: 12 lost_sight (not-in-report, host-down for .4) if ports were asked",
        )


STORIES: tuple[Story, ...] = (
    all_up,
    hosts_down,
    host_timeout,
    killed,
    narrow,
    no_way_out,
    unresolvable_name,
    firewalls,
    scanner_banned,
    open_only,
    ipv6_only,
    connect_scan,
    lossy_sweep,
    listed_twice,
    ping_scan,
)
