"""Plants and decoys of hardening."""

from infra.lab.hosts.plants import Planted, decoy, runs, written


def _set(name: str, value: int) -> str:
    return f"echo {value} >/proc/sys/net/{name}\n"


PLANTS: tuple[Planted, ...] = (
    Planted("no packet filter", "", "HOST-HRD-001", "ipv4"),
    Planted("no audit daemon", "", "HOST-HRD-002", "auditd"),
    Planted(
        "AppArmor switched off",
        "echo N >/sys/module/apparmor/parameters/enabled; echo capability >/sys/kernel/security/lsm\n"
        ": >/sys/kernel/security/apparmor/profiles",
        "HOST-HRD-003",
        "host",
    ),
    Planted("/tmp in the root file system", "", "HOST-HRD-004", "/tmp"),
    Planted("SUID files in shared memory", "mount -o remount,suid /dev/shm", "HOST-HRD-004", "/dev/shm:nosuid"),
    Planted("no time client", "kill $(pgrep -x systemd-timesyn)", "HOST-HRD-005", "host"),
    Planted("updates do not install themselves", "", "HOST-HRD-006", "unattended-upgrades"),
    Planted(
        "everybody's processes dump their memory",
        written("/etc/security/limits.d/10-dumps.conf", "*  soft  core  unlimited"),
        "HOST-HRD-008",
        "limits:*",
    ),
    Planted(
        "dumps are handed to a program in /tmp",
        "echo '|/tmp/.handler %p' >/proc/sys/kernel/core_pattern",
        "HOST-PRV-014",
        "kernel.core_pattern:/tmp/.handler",
    ),
    # A user's process with the name of a router's is no reason to forward.
    Planted(
        "forwards packets",
        _set("ipv4/ip_forward", 1) + runs("dockerd", "ops"),
        "HOST-HRD-009",
        "net.ipv4.ip_forward",
    ),
    Planted(
        "takes source routes",
        _set("ipv4/conf/all/accept_source_route", 1) + _set("ipv4/conf/default/accept_source_route", 1),
        "HOST-HRD-009",
        "net.ipv4.conf.all.accept_source_route",
    ),
    Planted("no SYN cookies", _set("ipv4/tcp_syncookies", 0), "HOST-HRD-009", "net.ipv4.tcp_syncookies"),
    Planted(
        "127.0.0.0/8 is routed",
        _set("ipv4/conf/all/route_localnet", 1),
        "HOST-HRD-009",
        "net.ipv4.conf.all.route_localnet",
    ),
    Planted(
        "answers broadcasts",
        _set("ipv4/icmp_echo_ignore_broadcasts", 0),
        "HOST-HRD-009",
        "net.ipv4.icmp_echo_ignore_broadcasts",
    ),
    Planted("logs go nowhere", "", "HOST-HRD-010", "host"),
    Planted("a guard that does not run", "mkdir -p /opt/CrowdStrike", "HOST-HRD-011", "crowdstrike"),
    Planted(
        "anybody may change how it starts",
        written("/boot/grub/grub.cfg", "menuentry 'Debian' { linux /vmlinuz root=/dev/vda1 }", "666"),
        "HOST-HRD-012",
        "/boot/grub/grub.cfg",
    ),
)
DECOYS: tuple[Planted, ...] = (
    decoy("a guard that runs", written("/usr/bin/osqueryd", "", "755") + runs("osqueryd"), "HOST-HRD-011", "osquery"),
    decoy(
        "a password's hash that only root reads",
        written("/boot/grub/user.cfg", "GRUB2_PASSWORD=grub.pbkdf2.sha512.10000.AB.CD", "600"),
        "HOST-HRD-012",
        "/boot/grub/user.cfg",
    ),
    decoy(
        "core dumps switched off, and a remark",
        written("/etc/security/limits.d/20-none.conf", "# @dev soft core unlimited\n@dev soft core 0"),
        "HOST-HRD-008",
        "limits:@dev",
    ),
    decoy(
        "packets are forwarded, so redirects have to be taken by both settings",
        _set("ipv4/conf/all/accept_redirects", 1)
        + _set("ipv4/conf/default/accept_redirects", 0)
        + _set("ipv4/conf/lo/accept_redirects", 1),
        "HOST-HRD-009",
        "net.ipv4.conf.all.accept_redirects",
    ),
    decoy(
        "a mount of its own with all options",
        "mount -t tmpfs -o nosuid,nodev,noexec tmpfs /var/tmp",
        "HOST-HRD-004",
        "/var/tmp*",
    ),
    decoy("hidden by a user's process", runs("auditd", "ops"), "HOST-HRD-002", "rules"),
)
