"""Which keys open accounts, and what else lies about in homes: HOST-ACC-006 to 009, and 019 to 021."""

from collections.abc import Callable, Iterator

from estate.findings import Severity
from estate.hosts.access.account_checks import ADMINISTRATORS, read_first_of_people
from estate.hosts.access.accounts import members_of, read_accounts, read_groups, read_network_entries, seen_accounts
from estate.hosts.access.authorized import Entry, told
from estate.hosts.access.reach import READ, WRITE, foreign, lets_in, reachable
from estate.hosts.access.sshd import read_server
from estate.hosts.access.texts import read_name_sources
from estate.hosts.access.ways import Key, Place, read_ways
from estate.hosts.checks import Check, Inventoried, Inventory, Problem, attributes
from estate.hosts.host import Host, Unseen

PUBLISHED = {
    "SHA256:1M4RzhMyWuFS/86uPY/ce2prh/dVTHW7iD2RhpquOZA": "Vagrant's insecure key (RSA)",
    "SHA256:WkvqjnyPAeC0cbPErYiGP9vqHdgL1MqqvPdIe3lvHgI": "Vagrant's insecure key (Ed25519)",
    "SHA256:9prMbqhS4QteoFQ1ZRJDqSBLWoHXPyKB0iWR05Ghro4": "the key of F5 BIG-IP, CVE-2012-1493",
    "SHA256:/JLp6z6uGE3BPcs70RQob6QOdEWQ6nDC0xY7ejPOCc0": "the key of Array Networks' vAPV and vxAG",
    "SHA256:whDP3xjKBEettbDuecxtGsfWBST+78gb6McdB9P7jCU": "the key of Barracuda's load balancer",
    "SHA256:Z+q4XhSwWY7q0BIDVPR1v/S306FjGBsid7tLq/8kIxM": "the key of Ceragon FibeAir, CVE-2015-0936",
    "SHA256:MEc4HfsOlMqJ3/9QMTmrKn5Xj/yfnMITMW8EwfUfTww": "the key of Loadbalancer.org's appliance",
    "SHA256:aPoYT2nPIfhqv6BIlbCCpbDjirBxaDFOtPfZ2K20uWw": "the key of Monroe's DASDEC, CVE-2013-0137",
    "SHA256:VtjqZ5fiaeoZ3mXOYi49Lk9aO31iT4pahKFP9JPiQPc": "the key of Quantum's DXi V1000",
}
"""Keys whose private halves are published: hashicorp/vagrant `keys/`, and rapid7/ssh-badkeys `authorized/`."""


def _named(key: Key) -> str:
    return f"{key.user}:{key.entry.key.fingerprint}"


def _evidence(key: Key) -> str:
    size = f" of {key.entry.key.bits} bits" if key.entry.key.bits else ""
    return f"{key.entry.key.type}{size} in {key.path}"


def _keys(host: Host) -> tuple[Key, ...]:
    """Keys by account and fingerprint, each once."""
    return tuple({_named(key): key for key in reversed(host.read(read_ways).keys)}.values())[::-1]


def _administrators(host: Host) -> frozenset[str]:
    """Accounts that are root or become it, as far as the files tell."""
    try:
        accounts = host.read(read_accounts)
        groups = [group for group in host.read(read_groups) if group.name in ADMINISTRATORS]
    except Unseen:
        return frozenset({"root"})
    members = (name for group in groups for name in members_of(group, accounts))
    return frozenset({"root", *members, *(account.name for account in accounts if account.uid == 0)})


def odd_keys(host: Host) -> Iterator[Problem]:
    """Keys that everybody has the other half of, and keys to accounts of services that may do more than one command."""
    administrators = _administrators(host)
    first = host.read(read_first_of_people)
    services = {each.name for each in host.read(seen_accounts) if 0 < each.uid < first}
    for key in _keys(host):
        if key.entry.key.fingerprint in PUBLISHED:
            severity = Severity.CRITICAL if key.user in administrators else Severity.HIGH
            evidence = f"{PUBLISHED[key.entry.key.fingerprint]} in {key.path}"
            yield Problem(_named(key), severity, evidence, key.entry.comment)
        elif key.user in services and not key.entry.has("command"):
            evidence = f"a key to the service's account {key.user}, without command=, in {key.path}"
            yield Problem(_named(key), Severity.MEDIUM, evidence, key.entry.comment)
    host.section("passwd")
    host.read(read_ways).whole()


def weak_keys(host: Host) -> Iterator[Problem]:
    """Keys whose other half can be computed, or will be soon."""
    for key in _keys(host):
        kind, bits = key.entry.key.type, key.entry.key.bits or 0
        broken = kind.startswith("dss") or (kind.startswith("rsa") and bits < 2048)
        if broken or (kind.startswith("rsa") and bits < 3072):
            severity = Severity.HIGH if broken else Severity.LOW
            yield Problem(_named(key), severity, _evidence(key), key.entry.comment)
    host.read(read_ways).whole()


def writable_keys(host: Host) -> Iterator[Problem]:
    """Places from which another account can put a key into this one."""
    ways = host.read(read_ways)
    accounts = {account.name: account for account in reversed(host.read(read_accounts))}
    homes = (home for home in ways.homes if home.user in accounts and accounts[home.user].can_log_in)
    for places, severity in (((*ways.files, *ways.directories), Severity.CRITICAL), (homes, Severity.HIGH)):
        for place in places:
            account = accounts.get(place.user)
            if lets_in(host, place, WRITE):
                evidence = f"{place.path} of {place.user} has the mode {place.mode:04o}, group {place.gid}"
                yield Problem(place.path, severity, evidence, place.user)
            elif account is not None and foreign(place, account.uid):
                evidence = f"{place.path} of {place.user} belongs to the uid {place.uid}"
                yield Problem(place.path, severity, evidence, place.user)
    ways.whole()


def key_options(host: Host) -> Iterator[Problem]:
    """Keys that are less bound than they could be."""
    keys = _keys(host)
    try:
        server = host.read(read_server)
        sets, root = server.settings.get("permituserenvironment") == "yes", server.settings.get("permitrootlogin")
        unseen = server.unseen
    except Unseen as reason:
        sets, root, unseen = False, "", reason.reason
    for key in keys:
        if sets and key.entry.has("environment"):
            evidence = f"environment= in {key.path}, and PermitUserEnvironment is on"
            yield Problem(_named(key), Severity.HIGH, evidence, key.entry.comment)
        elif key.user == "root" and root != "no" and not key.entry.has("from", "command"):
            evidence = f"neither from= nor command= in {key.path}"
            yield Problem(_named(key), Severity.LOW, evidence, key.entry.comment)
    holders: dict[str, set[str]] = {}
    for key in keys:
        if not key.entry.has("command"):
            holders.setdefault(key.entry.key.fingerprint, set()).add(key.user)
    for fingerprint, users in holders.items():
        if len(users) > 1:
            yield Problem(fingerprint, Severity.MEDIUM, f"one key opens {', '.join(sorted(users))}")
    host.read(read_ways).whole()
    if unseen and any(key.entry.has("environment") for key in keys):
        raise Unseen(unseen)


def trusted_hosts(host: Host) -> Iterator[Problem]:
    """Files that take other machines' word for who somebody is."""
    ways = host.read(read_ways)
    for trust in ways.trusts:
        severity = Severity.HIGH if trust.kind == "all" else Severity.MEDIUM
        words = "trusts every host or user" if trust.kind == "all" else "trusts other hosts"
        yield Problem(trust.path, severity, f"{trust.path} {words}", trust.user)
    entries = host.read(read_network_entries)
    if entries and "compat" in host.read(read_name_sources):
        evidence = f"/etc/passwd has {entries[0]}, and nsswitch.conf says compat"
        yield Problem("/etc/passwd", Severity.HIGH, evidence)
    ways.whole()


def private_keys(host: Host) -> Iterator[Problem]:
    """Keys to other machines that whoever gets at the file may use."""
    ways = host.read(read_ways)
    for place in _distinct(ways.private):
        exposed = lets_in(host, place, READ) and reachable(ways, place)
        if place.kind == "plain":
            severity = Severity.HIGH if exposed else Severity.LOW
            yield Problem(place.path, severity, f"{place.path} has no passphrase, mode {place.mode:04o}", place.user)
        elif exposed:
            yield Problem(place.path, Severity.MEDIUM, f"{place.path} has the mode {place.mode:04o}", place.user)
    ways.whole()


def credential_files(host: Host) -> Iterator[Problem]:
    """Passwords and tokens in files that others may read or write."""
    ways = host.read(read_ways)
    for place in _distinct(ways.credentials):
        if lets_in(host, place, READ | WRITE) and reachable(ways, place):
            yield Problem(place.path, Severity.HIGH, f"{place.path} has the mode {place.mode:04o}", place.user)
    ways.whole()


def _distinct(places: tuple[Place, ...]) -> tuple[Place, ...]:
    return tuple({place.path: place for place in places}.values())


def inventory_keys(host: Host) -> Iterator[Inventoried]:
    """Every key that may log in, by account and fingerprint; all of its lines together, since the widest counts."""
    ways = host.read(read_ways)
    found: dict[str, list[Key]] = {}
    for key in ways.keys:
        found.setdefault(_named(key), []).append(key)
    for name, keys in found.items():
        entries = [key.entry for key in keys]
        yield (
            name,
            attributes(
                type=keys[0].entry.key.type,
                bits=keys[0].entry.key.bits,
                options=_joined(entries, lambda entry: told(entry.options) or "none"),
                comment=_joined(entries, lambda entry: entry.comment),
                file=" ".join(sorted({key.path for key in keys})),
            ),
        )
    ways.whole()


def _joined(entries: list[Entry], what: Callable[[Entry], str]) -> str:
    return " | ".join(sorted({what(entry) for entry in entries}))


INVENTORY = (Inventory("authorized-key", "access", inventory_keys),)
CHECKS = (
    Check(
        "HOST-ACC-006",
        "A key may log in that should not",
        odd_keys,
        "Remove the line with {rest} from the authorized_keys of {first} (`ssh-keygen -lf FILE` shows which), and look"
        " for who used it.",
        controls=("6.2",),
        attack=("T1098.004",),
    ),
    Check(
        "HOST-ACC-007",
        "A weak key may log in",
        weak_keys,
        "Make a new one (`ssh-keygen -t ed25519`), then remove the line with {rest} from the authorized_keys of"
        " {first}.",
        attack=("T1110",),
    ),
    Check(
        "HOST-ACC-008",
        "Others can write where an account's keys are",
        writable_keys,
        "chmod go-w {resource}; ls -ld {resource}   # and chown it to its account, if another owns it",
        cis=("7.2.9", "7.2.10"),
        controls=("3.3",),
        attack=("T1098.004",),
    ),
    Check(
        "HOST-ACC-009",
        "A key may do more than it need",
        key_options,
        'Put `restrict,from="ADDRESS"` before the key {rest} of {first}, and give each account a key of its own.',
        controls=("6.8",),
        attack=("T1098.004", "T1021.004"),
    ),
    Check(
        "HOST-ACC-019",
        "Other machines say who somebody is here",
        trusted_hosts,
        "Remove the trust in {resource}: delete the file, or its lines that begin with +.",
        cis=("5.1.11", "7.2.10"),
        attack=("T1021",),
    ),
    Check(
        "HOST-ACC-020",
        "A private key lies open",
        private_keys,
        "chmod 600 {resource} && ssh-keygen -p -f {resource}   # -p asks for a new passphrase",
        controls=("3.3", "3.11"),
        attack=("T1552.004",),
    ),
    Check(
        "HOST-ACC-021",
        "Credentials lie open",
        credential_files,
        "chmod 600 {resource}   # then change what is in it",
        controls=("3.3",),
        attack=("T1552.001",),
    ),
)
