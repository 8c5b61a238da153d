"""Plants and decoys of privilege: whoever becomes root here, and by what."""

from infra.lab.hosts.plants import Planted, decoy, written

_SOCKET = "my $s = IO::Socket::UNIX->new(Local => q(/run/docker.sock), Listen => 1) or die; sleep 1000 while 1"


def _rule(name: str, text: str, mode: str = "440") -> str:
    return written(f"/etc/sudoers.d/{name}", text, mode)


def _script(path: str, mode: str = "755", owner: str = "root:root") -> str:
    return written(path, "#!/bin/sh\nexit 0", mode, owner)


PLANTS: tuple[Planted, ...] = (
    Planted(
        "a shell that is root's",
        "cp /bin/dash /usr/local/bin/rootsh; chmod 4755 /usr/local/bin/rootsh",
        "HOST-PRV-001",
        "/usr/local/bin/rootsh",
    ),
    Planted(
        "a program that reads passwords",
        _script("/opt/tools/helper") + "chgrp shadow /opt/tools/helper; chmod 2755 /opt/tools/helper",
        "HOST-PRV-001",
        "/opt/tools/helper",
    ),
    Planted("a packaged program made SUID", "chmod u+s /usr/bin/find", "HOST-PRV-002", "/usr/bin/find"),
    Planted(
        "an interpreter that may become root",
        "cp /usr/bin/perl /opt/tools/perl; setcap cap_setuid+ep /opt/tools/perl",
        "HOST-PRV-003",
        "/opt/tools/perl",
    ),
    Planted("reads every file", "setcap cap_dac_read_search+ep /usr/bin/tar", "HOST-PRV-003", "/usr/bin/tar"),
    Planted("all commands for no password", _rule("deploy", "ops ALL=(ALL) NOPASSWD: ALL"), "HOST-PRV-004", "ops"),
    Planted(
        "a program that starts a shell",
        "useradd -m -s /bin/bash backup2\n" + _rule("backup", "backup2 ALL=(root) NOPASSWD: /usr/bin/find"),
        "HOST-PRV-005",
        "backup2:/usr/bin/find*",
    ),
    Planted(
        "a rule with a wildcard",
        _rule("wild", "backup2 ALL=(root) /usr/bin/cat /var/log/*"),
        "HOST-PRV-006",
        "backup2:/usr/bin/cat /var/log/*",
    ),
    Planted(
        "a command that its caller may rewrite",
        _script("/opt/app/run.sh", "755", "ops:ops") + _rule("app", "backup2 ALL=(root) /opt/app/run.sh"),
        "HOST-PRV-007",
        "/opt/app/run.sh",
    ),
    Planted("the caller's environment", _rule("env", "Defaults !env_reset"), "HOST-PRV-008", "*env_reset*"),
    Planted(
        "a password for ever", _rule("time", "Defaults timestamp_timeout=-1"), "HOST-PRV-008", "*timestamp_timeout*"
    ),
    Planted("rules that all may write", _rule("open", "# nothing", "666"), "HOST-PRV-009", "/etc/sudoers.d/open"),
    Planted(
        "a user who commands containers", "groupadd -r docker; usermod -aG docker ops", "HOST-PRV-010", "docker:ops"
    ),
    Planted("a user who reads disks", "usermod -aG disk ops", "HOST-PRV-010", "disk:ops"),
    Planted(
        "a job of root's that a user may rewrite",
        _script("/opt/backup/run.sh", "755", "ops:ops")
        + written("/etc/cron.d/backup", "5 3 * * * root /opt/backup/run.sh"),
        "HOST-PRV-011",
        "/opt/backup/run.sh",
    ),
    Planted(
        "a job of root's that is not there, where all may write",
        "mkdir -p /opt/drop; chmod 777 /opt/drop\n" + written("/etc/cron.d/gone", "7 3 * * * root /opt/drop/job"),
        "HOST-PRV-011",
        "/opt/drop/job",
    ),
    Planted(
        "a table of jobs that all may write",
        written("/etc/cron.d/open", "# nothing", "666"),
        "HOST-PRV-012",
        "/etc/cron.d/open",
    ),
    Planted("a folder of jobs that all may write", "chmod 777 /etc/cron.daily", "HOST-PRV-012", "/etc/cron.daily"),
    Planted(
        "a unit that all may write",
        written("/etc/systemd/system/open.service", "[Service]\nExecStart=/bin/true", "666"),
        "HOST-PRV-013",
        "/etc/systemd/system/open.service",
    ),
    Planted(
        "a unit of root's whose program a user may rewrite",
        _script("/opt/daemon/main", "755", "ops:ops")
        + written("/etc/systemd/system/daemon.service", "[Service]\nExecStart=/opt/daemon/main --now"),
        "HOST-PRV-014",
        "daemon.service:/opt/daemon/main",
    ),
    Planted(
        "a folder in root's PATH that all may write",
        "mkdir -p /opt/path; chmod 777 /opt/path\n"
        + written("/etc/environment", "PATH=/usr/local/bin:/usr/bin:/bin:/opt/path"),
        "HOST-PRV-015",
        "/opt/path",
    ),
    Planted(
        "a library in every process",
        "cp -L /lib/x86_64-linux-gnu/libdl.so.2 /usr/local/lib/libhook.so\n"
        + written("/etc/ld.so.preload", "/usr/local/lib/libhook.so"),
        "HOST-PRV-016",
        "/usr/local/lib/libhook.so",
    ),
    Planted(
        "a folder of libraries that all may write",
        "mkdir -p /opt/lib; chmod 777 /opt/lib\n" + written("/etc/ld.so.conf.d/opt.conf", "/opt/lib"),
        "HOST-PRV-017",
        "/opt/lib",
    ),
    Planted(
        "a profile that all may write",
        written("/etc/profile.d/tools.sh", "true", "666"),
        "HOST-PRV-018",
        "/etc/profile.d/tools.sh",
    ),
    Planted("settings that all may write", written("/etc/app.conf", "on", "666"), "HOST-PRV-018", "/etc/app.conf"),
    Planted("passwords that all may read", "chmod 644 /etc/shadow", "HOST-PRV-019", "/etc/shadow"),
    Planted(
        "a folder without the sticky bit", "mkdir -p /srv/share; chmod 777 /srv/share", "HOST-PRV-020", "/srv/share"
    ),
    Planted("a file of nobody", "touch /srv/left; chown 4321:4321 /srv/left", "HOST-PRV-021", "/srv/left"),
    Planted(
        "an engine's socket for all",
        f"setsid perl -MIO::Socket::UNIX -e '{_SOCKET}' </dev/null >/dev/null 2>&1 &\n"
        "for n in 1 2 3 4 5 6 7 8 9; do [ -S /run/docker.sock ] && break; sleep 0.1; done; chmod 666 /run/docker.sock",
        "HOST-PRV-022",
        "/run/docker.sock",
    ),
    Planted(
        "addresses are where they always were",
        "echo 0 >/proc/sys/kernel/randomize_va_space",
        "HOST-PRV-023",
        "kernel.randomize_va_space",
    ),
    Planted("links lead astray", "echo 0 >/proc/sys/fs/protected_symlinks", "HOST-PRV-023", "fs.protected_symlinks"),
    Planted(
        "an export that keeps root",
        written("/etc/exports", "/srv 192.0.2.0/24(rw,no_root_squash)"),
        "HOST-PRV-024",
        "/srv:192.0.2.0/24",
    ),
    Planted(
        "a flaw of the processor",
        "echo Vulnerable >/sys/devices/system/cpu/vulnerabilities/l1tf",
        "HOST-PRV-025",
        "l1tf",
    ),
    Planted(
        "an engine on the network without TLS",
        written("/etc/docker/daemon.json", '{"hosts": ["tcp://0.0.0.0:2375"]}'),
        "HOST-PRV-026",
        "hosts:tcp://0.0.0.0:2375",
    ),
)
DECOYS: tuple[Planted, ...] = (
    decoy("a SUID program as Debian ships it", "", "HOST-PRV-002", "/usr/bin/sudo"),
    decoy(
        "ping's capability",
        "cp /bin/true /usr/local/bin/webd; setcap cap_net_bind_service+ep /usr/local/bin/webd",
        "HOST-PRV-003",
        "/usr/local/bin/webd",
    ),
    decoy(
        "a rule that sudo does not read, for the dot in its name",
        _rule("old.bak", "nobody ALL=(ALL) NOPASSWD: ALL"),
        "HOST-PRV-004",
        "nobody",
    ),
    decoy("a rule in a remark", _rule("remark", "# games ALL=(ALL) NOPASSWD: ALL"), "HOST-PRV-004", "games"),
    decoy("all commands for a password", "", "HOST-PRV-004", "%sudo"),
    decoy(
        "one command with fixed words",
        _script("/usr/local/sbin/rotate") + _rule("fixed", "backup2 ALL=(root) /usr/local/sbin/rotate now"),
        "HOST-PRV-00[567]",
        "*rotate*",
    ),
    decoy(
        "a group that only sounds like one", "groupadd dockers; usermod -aG dockers backup2", "HOST-PRV-010", "*backup2"
    ),
    decoy(
        "a job that cron does not read, for the dot in its name",
        written("/etc/cron.d/off.disabled", "5 3 * * * root /opt/off/run.sh")
        + _script("/opt/off/run.sh", "777", "ops:ops"),
        "HOST-PRV-011",
        "/opt/off/run.sh",
    ),
    decoy(
        "a job that is the user's own",
        written("/etc/cron.d/own", "5 3 * * * ops /home/ops/own.sh") + _script("/home/ops/own.sh", "755", "ops:ops"),
        "HOST-PRV-011",
        "/home/ops/own.sh",
    ),
    decoy(
        "a unit that runs as its owner",
        _script("/home/ops/serve", "755", "ops:ops")
        + written("/etc/systemd/system/own.service", "[Service]\nUser=ops\nExecStart=/home/ops/serve"),
        "HOST-PRV-014",
        "own.service*",
    ),
    decoy(
        "a folder for all with the sticky bit", "mkdir -p /srv/drop; chmod 1777 /srv/drop", "HOST-PRV-020", "/srv/drop"
    ),
    decoy("a link that looks writable", "ln -s /etc/hostname /etc/link", "HOST-PRV-018", "/etc/link"),
    decoy("a kernel setting as it should be", "", "HOST-PRV-023", "fs.protected_hardlinks"),
    decoy(
        "an export that squashes root",
        "echo '/home 192.0.2.7(ro,root_squash)' >>/etc/exports",
        "HOST-PRV-024",
        "/home:*",
    ),
    decoy(
        "a flaw that is mitigated",
        "echo 'Mitigation: PTI' >/sys/devices/system/cpu/vulnerabilities/meltdown",
        "HOST-PRV-025",
        "meltdown",
    ),
    decoy(
        "a name with a new line that claims to be another file",
        'mkdir -p "/srv/x\n/usr/bin/chage"; touch "/srv/x\n/usr/bin/forged"; chmod 777 "/srv/x\n/usr/bin/forged"',
        "HOST-PRV-001",
        "*forged",
    ),
)
