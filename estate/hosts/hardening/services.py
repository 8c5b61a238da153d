"""Programs that a host should run: a clock, an audit trail, a shipper of logs, and the guards that were installed."""

from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.checks import Check, Inventoried, Inventory, Problem, attributes
from estate.hosts.hardening.told import daemons, first, is_appliance, is_container, is_root, told
from estate.hosts.host import Host, Unseen, lines

_CLOCKS = frozenset({"chronyd", "ntpd", "systemd-timesyn"})
_OTHER_CLOCKS = frozenset({"ptp4l", "phc2sys", "timemaster", "sptp", "VBoxService", "htpdate"})
_AUDITS = frozenset({"auditbeat", "go-audit", "laurel"})
_LOGGERS = frozenset({"rsyslogd", "syslog-ng", "syslogd"})
_SHIPPERS = frozenset(
    [
        "filebeat",
        "journalbeat",
        "auditbeat",
        "elastic-agent",
        "fluentd",
        "fluent-bit",
        "fluent-bit-bin",
        "td-agent",
        "td-agent-bit",
        "vector",
        "promtail",
        "alloy",
        "grafana-agent",
        "splunkd",
        "nxlog",
        "nxlog-processor",
        "amazon-cloudwatch-agent",
        "google_cloud_ops_agent",
        "google_fluentd",
        "otelcol",
        "otelcol-contrib",
        "mdsd",
        "wazuh-agentd",
        "ossec-agentd",
        "newrelic-infra",
        "sumo-collector",
        "logstash",
        "datadog-agent",
        "syslog-ng-otel",
    ]
)
_GUARDS = {
    "/opt/CrowdStrike": ("crowdstrike", ("falcon-sensor", "falcon-sensor-b", "falcond")),
    "/opt/microsoft/mdatp": ("defender", ("wdavdaemon",)),
    "/var/ossec/bin": ("wazuh", ("wazuh-agentd", "ossec-agentd", "wazuh-analysisd", "ossec-analysisd")),
    "/opt/sentinelone": ("sentinelone", ("s1-agent", "s1-orchestrator", "s1-perf", "s1-network")),
    "/opt/Elastic/Agent": ("elastic-agent", ("elastic-agent",)),
    "/usr/bin/elastic-agent": ("elastic-agent", ("elastic-agent",)),
    "/usr/bin/osqueryd": ("osquery", ("osqueryd",)),
    "/opt/osquery": ("osquery", ("osqueryd",)),
    "/usr/bin/auditbeat": ("auditbeat", ("auditbeat",)),
    "/usr/share/auditbeat": ("auditbeat", ("auditbeat",)),
    "/opt/rapid7/ir_agent": ("rapid7", ("ir_agent",)),
    "/opt/nessus_agent": ("nessus-agent", ("nessus-service", "nessusd")),
    "/usr/local/qualys/cloud-agent": ("qualys", ("qualys-cloud-agent",)),
    "/opt/Tanium": ("tanium", ("TaniumClient",)),
    "/opt/ds_agent": ("deep-security", ("ds_agent",)),
    "/opt/carbonblack/psc": ("carbon-black", ("cbagentd",)),
    "/opt/sophos-spl": ("sophos", ("sophos_watchdog", "sophos_management_agent")),
    "/usr/bin/falco": ("falco", ("falco",)),
    "/opt/cybereason": ("cybereason", ("cybereason-sensor", "CybereasonAV")),
    "/opt/traps": ("cortex", ("pmd", "cortex-xdr")),
    "/usr/bin/amazon-ssm-agent": ("amazon-ssm", ("amazon-ssm-agent",)),
    "/opt/datadog-agent/bin/agent": ("datadog", ("agent", "security-agent", "system-probe")),
}
"""Where a guard lives, what it is called, and the processes of which one at least runs: the collector's own list."""


def _runs(names: frozenset[str], wanted: frozenset[str] | tuple[str, ...]) -> set[str]:
    """Of the wanted programs, those that run: the kernel keeps fifteen characters of a name."""
    return {name for name in wanted if name[:15] in names}


def no_audit(host: Host) -> Iterator[Problem]:
    """HOST-HRD-002."""
    if is_container(host):
        return
    names = host.read(daemons).names
    if _runs(names, _AUDITS):
        return
    if "auditd" not in names:
        yield Problem("auditd", Severity.LOW, "no process of auditd or of another reader of the kernel's audit trail")
        return
    if not is_root(host):
        raise Unseen("no-privilege")
    said = [line for line in lines(host.section("confinement")) if line.startswith(("audit\t", "rules\t"))]
    if "audit\trc=0" not in said or "rules\trc=0" not in said:
        raise Unseen("failed" if said else "missing-tool")
    if "audit\tenabled 0" in said:
        yield Problem("enabled", Severity.LOW, "auditctl -s: enabled 0")
    if "rules\tNo rules" in said:
        yield Problem("rules", Severity.LOW, "auditctl -l: No rules")


def no_clock(host: Host) -> Iterator[Problem]:
    """HOST-HRD-005."""
    if is_container(host):
        return
    names = host.read(daemons).names
    clocks = _runs(names, _CLOCKS)
    if len(clocks) > 1:
        yield Problem("clients", Severity.LOW, f"{' and '.join(sorted(clocks))} run at once")
    if not clocks and not _runs(names, _OTHER_CLOCKS):
        yield Problem("host", Severity.LOW, "no process of chronyd, ntpd, systemd-timesyncd or another time client")


def no_shipping(host: Host) -> Iterator[Problem]:
    """HOST-HRD-010."""
    if is_appliance(host):
        return
    names = host.read(daemons).names
    if _runs(names, _SHIPPERS):
        return
    said = told(host, "shipping")
    loggers = _runs(names, _LOGGERS)
    if first(said, "uploads") or (loggers and first(said, "sends")):
        return
    if loggers and first(said, "unread"):
        raise Unseen("no-privilege")
    told_of = f"{' and '.join(sorted(loggers))} sends nothing elsewhere" if loggers else "no shipper of logs runs"
    yield Problem("host", Severity.LOW, told_of)


def no_guard(host: Host) -> Iterator[Problem]:
    """HOST-HRD-011."""
    for name, place, runs in _guards(host):
        if not runs:
            yield Problem(name, Severity.MEDIUM, f"{place} is there, and no process of it")


def _guards(host: Host) -> Iterator[tuple[str, str, bool]]:
    places = lines(host.section("agents"))
    names = host.read(daemons).names
    running = {_GUARDS[place][0] for place in places if place in _GUARDS and _runs(names, _GUARDS[place][1])}
    told_of: set[str] = set()
    for place in places:
        if place in _GUARDS and (name := _GUARDS[place][0]) not in told_of:
            told_of.add(name)
            yield name, place, name in running


def _inventory(host: Host) -> Iterator[Inventoried]:
    for name, _, runs in _guards(host):
        yield name, attributes(runs="yes" if runs else "no")


INVENTORY = (Inventory("agent", "hardening", _inventory),)
CHECKS = (
    Check(
        id="HOST-HRD-002",
        title="What happens on the host is not audited",
        run=no_audit,
        remediation="apt-get install auditd && systemctl enable --now auditd, and rules in /etc/audit/rules.d",
        cis=("6.2.1.1", "6.2.1.2"),
        controls=("8.2", "8.5"),
        attack=("T1562.012",),
    ),
    Check(
        id="HOST-HRD-005",
        title="The clock is not kept by exactly one time client",
        run=no_clock,
        remediation="apt-get install chrony && systemctl enable --now chrony (it replaces systemd-timesyncd)",
        cis=("2.3.1.1", "2.3.2.2", "2.3.3.3"),
        controls=("8.4",),
        attack=("T1070.006",),
    ),
    Check(
        id="HOST-HRD-010",
        title="Logs stay on the host, where whoever takes it can remove them",
        run=no_shipping,
        remediation=(
            "Send them elsewhere: apt-get install rsyslog rsyslog-gnutls and '*.* @@LOGHOST:6514' with TLS in "
            "/etc/rsyslog.d/60-forward.conf, or systemd-journal-upload"
        ),
        cis=("6.1.2.1.2", "6.1.3.6"),
        controls=("8.9",),
        attack=("T1070.002",),
    ),
    Check(
        id="HOST-HRD-011",
        title="A security or management agent is installed and does not run",
        run=no_guard,
        remediation=(
            "See why: systemctl list-units --all | grep -i {resource}; journalctl -b; then start it, or uninstall it"
        ),
        controls=("10.1", "13.2"),
        attack=("T1562.001",),
    ),
)
