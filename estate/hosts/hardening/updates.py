"""Whether security updates install themselves: apt's, dnf's and yum's own ways, a timer, or a cron job."""

import re
from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.hardening.told import daemons, first, is_appliance, is_root, told
from estate.hosts.host import Host, Unseen, lines

_SETTING = re.compile(r"apt\t(\S+) \"(.*)\";")
_ORIGINS = ("Unattended-Upgrade::Allowed-Origins", "Unattended-Upgrade::Origins-Pattern")
_SECURITY = re.compile(r"security|esm|origin=\*|site=\*|\A\*|label=Debian\Z|label=Debian,", re.IGNORECASE)
_WHOLE = frozenset({"update_engine", "zincati", "rpm-ostreed", "landscape-clie", "landscape-client", "snapd-core"})
_ALWAYS = frozenset(
    [
        "dnf-automatic-install.timer",
        "dnf5-automatic.timer",
        "rpm-ostreed-automatic.timer",
        "transactional-update.timer",
        "os-update.timer",
    ]
)
_IF_SET = frozenset({"dnf-automatic.timer", "dnf5-automatic.timer"})
_YES = re.compile(r"apply_updates\s*=\s*(yes|true|1|on)\s*\Z", re.IGNORECASE)


def not_updated(host: Host) -> Iterator[Problem]:
    """HOST-HRD-006."""
    if is_appliance(host):
        return
    said = told(host, "updates")
    if first(said, "cron") or host.read(daemons).names & _WHOLE:
        return
    families = {value for word, value in said if word == "family"}
    if not families:
        raise Unseen("not-rated")
    timers = {value for word, value in said if word == "timer"}
    # Of a host with two kinds of packages, the one that it was made of counts.
    if "apt" in families:
        problem = _apt(host, timers, first(said, "installed"), first(said, "manager"))
    elif "rpm" in families:
        applies = any(_YES.match(value) for word, value in said if word == "setting")
        kept = timers & _ALWAYS or (applies and (timers & _IF_SET or first(said, "yum-cron")))
        problem = None if kept else ("automatic-updates", "no timer of dnf-automatic installs updates")
    else:
        problem = "automatic-updates", "no cron job upgrades packages"
    if problem is None:
        return
    # Jobs in root's own crontab are read by root alone.
    if not is_root(host):
        raise Unseen("no-privilege")
    yield Problem(problem[0], Severity.MEDIUM, problem[1])


def _apt(host: Host, timers: set[str], installed: str, manager: str) -> tuple[str, str] | None:
    matches = (_SETTING.fullmatch(line) for line in lines(host.section("updates")))
    found = [(each[1], each[2]) for each in matches if each]
    settings = dict(found)
    if "apt\trc=0" not in lines(host.section("updates")):
        raise Unseen("failed")
    if not installed:
        return "unattended-upgrades", "unattended-upgrades is not installed"
    for name, harmful in (("Unattended-Upgrade", {"", "0"}), ("Enable", {"0"})):
        value = settings.get(f"APT::Periodic::{name}", "")
        if value in harmful:
            return "unattended-upgrades", f'APT::Periodic::{name} "{value}"'
    if not any(_SECURITY.search(value) for name, value in found if name.rstrip(":") in _ORIGINS):
        return "origins", "no security origin is among Unattended-Upgrade::Origins-Pattern or Allowed-Origins"
    if manager == "systemd" and "apt-daily-upgrade.timer" not in timers:
        return "timer", "apt-daily-upgrade.timer is switched off"
    return None


CHECKS = (
    Check(
        id="HOST-HRD-006",
        title="Security updates do not install themselves",
        run=not_updated,
        remediation=(
            "Debian, Ubuntu: apt-get install unattended-upgrades && dpkg-reconfigure -f noninteractive -plow "
            "unattended-upgrades && systemctl unmask apt-daily-upgrade.timer && systemctl enable --now "
            "apt-daily-upgrade.timer. Red Hat: dnf install dnf-automatic && systemctl enable --now "
            "dnf-automatic-install.timer"
        ),
        cis=("1.2.2.1",),
        controls=("7.3", "7.4"),
        attack=("T1068",),
    ),
)
