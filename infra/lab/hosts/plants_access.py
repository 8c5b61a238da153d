"""Plants and decoys of access: accounts, keys, the ssh server, PAM, sockets and processes."""

from estate.findings import Severity
from infra.lab.hosts.plants import Planted, decoy, written

HIGH = Severity.HIGH
_HASH = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$tnSYvahCwPBHKZUspmcxMfb0.WiB9W.zEaKlOBL35rC"
_MD5 = "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/"


def _user(name: str, options: str = "") -> str:
    return f"useradd -m -s /bin/bash {options} {name}\n"


def _key(kind: str, owner: str, before: str = "") -> str:
    """A new key of its own for an account; both halves stay out of where an audit looks."""
    words = before or "''"
    folder = "/root/.ssh" if owner == "root" else f"/home/{owner}/.ssh"
    return (
        f"mkdir -p {folder}; chmod 700 {folder}; rm -f /run/lab/new /run/lab/new.pub\n"
        f"ssh-keygen -q {kind} -N '' -C {owner}@lab -f /run/lab/new\n"
        f"printf '%s ' {words} >>{folder}/authorized_keys; cat /run/lab/new.pub >>{folder}/authorized_keys\n"
        f"chmod 600 {folder}/authorized_keys; chown -R {owner}: {folder}\n"
    )


def _listens(address: str, port: int) -> str:
    family = f"LocalAddr => q({address}), LocalPort => {port}, Listen => 5, Proto => q(tcp), ReuseAddr => 1"
    program = f"my $s = IO::Socket::INET->new({family}) or die; sleep 1000 while 1"
    return f"setsid perl -MIO::Socket::INET -e '{program}' </dev/null >/dev/null 2>&1 &\n"


def _waits(port: int) -> str:
    return f"for n in 1 2 3 4 5 6 7 8 9; do ss -Hlnt | grep -q ':{port} ' && break; sleep 0.1; done\n"


PLANTS: tuple[Planted, ...] = (
    Planted("a second root", "useradd -o -u 0 -g 0 -M -s /bin/bash toor", "HOST-ACC-001", "toor"),
    Planted("an empty password", _user("guest") + "passwd -q -d guest", "HOST-ACC-002", "guest"),
    Planted("an MD5 password", _user("legacy", f"-p '{_MD5}'"), "HOST-ACC-003", "legacy"),
    Planted("a service with a shell", "usermod -s /bin/bash news", "HOST-ACC-004", "news"),
    Planted("a service that is an administrator", "usermod -aG sudo www-data", "HOST-ACC-005", "sudo:www-data"),
    Planted("a short key", _key("-t rsa -b 1024", "ops"), "HOST-ACC-007", "ops:SHA256:*"),
    Planted(
        "a folder of keys that all may write",
        _user("open") + "mkdir /home/open/.ssh; chown open: /home/open/.ssh; chmod 777 /home/open/.ssh",
        "HOST-ACC-008",
        "/home/open/.ssh",
    ),
    Planted("root's key is not bound", _key("-t ed25519", "root"), "HOST-ACC-009", "root:SHA256:*"),
    Planted(
        "root may log in",
        written("/etc/ssh/sshd_config.d/10.conf", "PermitRootLogin yes"),
        "HOST-ACC-011",
        "*",
        least=HIGH,
    ),
    Planted(
        "empty passwords let in",
        "echo 'PermitEmptyPasswords yes' >>/etc/ssh/sshd_config.d/10.conf",
        "HOST-ACC-012",
        "PermitEmptyPasswords",
    ),
    Planted(
        "a broken cipher",
        "echo 'Ciphers aes256-ctr,aes128-cbc' >>/etc/ssh/sshd_config.d/10.conf",
        "HOST-ACC-013",
        "Ciphers",
    ),
    Planted(
        "ten tries",
        "echo 'MaxAuthTries 10' >>/etc/ssh/sshd_config.d/10.conf",
        "HOST-ACC-014",
        "MaxAuthTries",
    ),
    Planted(
        "users set the server's environment",
        "echo 'PermitUserEnvironment yes' >>/etc/ssh/sshd_config.d/10.conf",
        "HOST-ACC-014",
        "PermitUserEnvironment",
    ),
    Planted(
        "an exception that is weaker than the rule",
        written("/etc/ssh/sshd_config.d/99.conf", "Match User ops\n  GatewayPorts yes"),
        "HOST-ACC-015",
        "*GatewayPorts",
    ),
    Planted(
        "a host key that all may read",
        "chmod 644 /etc/ssh/ssh_host_ecdsa_key",
        "HOST-ACC-016",
        "/etc/ssh/ssh_host_ecdsa_key",
    ),
    Planted(
        "a module that always says yes",
        written("/etc/pam.d/backdoor", "auth sufficient pam_permit.so\n@include common-auth"),
        "HOST-ACC-017",
        "/etc/pam.d/backdoor:*pam_permit*",
    ),
    Planted(
        "new passwords are kept as MD5",
        "sed -i 's/^ENCRYPT_METHOD.*/ENCRYPT_METHOD MD5/' /etc/login.defs",
        "HOST-ACC-018",
        "ENCRYPT_METHOD",
    ),
    Planted("every host is trusted", written("/etc/hosts.equiv", "+ +"), "HOST-ACC-019", "/etc/hosts.equiv"),
    Planted(
        "a private key that all may read",
        "mkdir -p /home/ops/.ssh; ssh-keygen -q -t ed25519 -N '' -f /home/ops/.ssh/id_ed25519\n"
        "chmod 755 /home/ops /home/ops/.ssh; chown -R ops: /home/ops/.ssh; chmod 644 /home/ops/.ssh/id_ed25519",
        "HOST-ACC-020",
        "/home/ops/.ssh/id_ed25519",
    ),
    Planted(
        "a cloud's credentials that all may read",
        written("/home/ops/.aws/credentials", "[default]\naws_secret_access_key = EXAMPLE", "644", "ops:ops"),
        "HOST-ACC-021",
        "/home/ops/.aws/credentials",
    ),
    Planted(
        "somebody guesses passwords",
        "for n in $(seq 1 40); do echo \"$(date '+%b %e %H:%M:%S') host-7 sshd[4242]: Failed password for root from"
        ' 203.0.113.9 port 4$n ssh2"; done >>/var/log/auth.log',
        "HOST-ACC-022",
        "*",
    ),
    Planted("a database for everybody", _listens("0.0.0.0", 6379) + _waits(6379), "HOST-ACC-023", "tcp/6379"),
    Planted(
        "a program without a file",
        "cp /usr/bin/sleep /tmp/.x; setsid /tmp/.x 1000 </dev/null >/dev/null 2>&1 & sleep 0.3; rm /tmp/.x",
        "HOST-ACC-024",
        "/tmp/.x*",
    ),
)
DECOYS: tuple[Planted, ...] = (
    decoy("a locked account", _user("former") + "passwd -q -l former", "HOST-ACC-002", "former"),
    decoy("a strong password", _user("strong", f"-p '{_HASH}'"), "HOST-ACC-003", "strong"),
    decoy("a service without a shell", "useradd -r -s /usr/sbin/nologin metrics", "HOST-ACC-004", "metrics"),
    decoy("a person who is an administrator", "", "HOST-ACC-005", "sudo:ops"),
    decoy("a good key", _key("-t ed25519", "strong"), "HOST-ACC-007", "strong:*"),
    decoy(
        "a short key in a remark", _user("quiet") + _key("-t rsa -b 1024", "quiet", "'#'"), "HOST-ACC-007", "quiet:*"
    ),
    decoy("a folder of keys of one's own", "", "HOST-ACC-008", "/home/strong/.ssh"),
    decoy(
        "credentials of one's own",
        written("/home/strong/.aws/credentials", "[default]", "600", "strong:strong"),
        "HOST-ACC-021",
        "/home/strong/.aws/credentials",
    ),
    decoy(
        "a private key with a passphrase",
        "ssh-keygen -q -t ed25519 -N secret -f /home/strong/.ssh/id_ed25519; chown -R strong: /home/strong/.ssh",
        "HOST-ACC-020",
        "/home/strong/.ssh/id_ed25519",
    ),
    decoy("a store for this host alone", _listens("127.0.0.1", 11211) + _waits(11211), "HOST-ACC-023", "tcp/11211"),
    decoy("the ssh server", "", "HOST-ACC-023", "tcp/22"),
    decoy(
        "a file beside PAM's that is none of PAM's",
        written("/etc/pam.d/other.dpkg-old~", "# auth sufficient pam_permit.so"),
        "HOST-ACC-017",
        "/etc/pam.d/other.dpkg-old~*",
    ),
    decoy("a service that runs from its package", "", "HOST-ACC-024", "/usr/sbin/*"),
)
