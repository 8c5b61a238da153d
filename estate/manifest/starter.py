"""The `estate.toml` that `roundsman init` writes: this machine, and every setting explained where it would stand."""

from collections.abc import Iterable

from estate.errors import BadTarget
from estate.manifest.writing import quoted
from estate.scope.words import in_order, read_network, read_plain

_LOOPBACK = ("127.0.0.1/32", "::1/128")

_TEXT = """\
# The estate: what is ours to look after, what may be scanned, and what is expected there.
# Lines that begin with '#' and a space explain; take the '#' away from the others to use them.
# `roundsman doctor` checks this file and says where the Prefect UI differs from it.

[estate]
name = {estate}

# A scope is an authorisation to scan. Nothing outside it is ever sent a packet.
[[scopes]]
name = "this-machine"
# Who signed it off: a name that people can ask.
authorised_by = {authorised_by}
# What may be scanned: networks and single addresses, IPv4 and IPv6. Loopback, link-local, multicast, broadcast and
# cloud metadata addresses count only where an entry names just them, as these do.
networks = [{networks}]
# What is never touched, whatever else says it may be: networks, addresses and names.
#exclude = ["10.0.0.9", "10.0.8.0/24", "printer.example.org"]
# Host names to ask as well. Whatever one resolves to has to be in `networks` too, or nothing is sent.
#names = ["www.example.org"]
# Packets per second, at most. Loopback is no network that could be flooded; start with 1000 on a real one.
pace = {pace}
# What is asked. Without this line: the ports up to 1024 and some 150 well-known ones above. UDP is slow, so name the
# ports that matter, such as "tcp/1-1024,8080 udp/53,161".
ports = "tcp/1-65535"
# Ask open ports which service and version answers. Printers print what they are asked: list them as fragile.
#versions = false
#fragile = ["10.0.0.32/27"]
# The zone in which these addresses mean something (10.0.0.5 in two zones is two machines), and from where we look.
#zone = "default"
#vantage = "inside"
# From when and until when: a day (in UTC, up to its end) or a time with its offset.
#valid_from = 2031-01-01
#valid_until = 2031-12-31
# When scanning may go on; at any time without it. Summer time and midnight are handled.
#windows = [{{ days = ["sat", "sun"], opens = "22:00", closes = "05:00", timezone = "Europe/Berlin" }}]
# Endpoints whose state is known. When one looks different, silence proves nothing in that run.
#canaries = [{{ address = "127.0.0.1", port = "tcp/22", expect = "open" }}]
# The share of questions that has to be answered; a run below it has failed, whatever it found.
#floor = 0.5
# After so many silent looks in a row an open port counts as gone. (A refused connection counts at once.)
#silences = 3
# A run that would close more than this share of all known ports, and at least so many, asks a person first.
#breaker = {{ share = 0.2, at_least = 50 }}

# An asset is a thing with a name of its own, which stays when its addresses change.
#[[assets]]
#name = "web-7.example.org"
#addresses = ["10.0.0.7", "2001:db8::7"]
#zone = "default"
#tags = ["web", "public"]
#owner = "team-web"
#criticality = "high"
#fragile = false

# What may answer: by asset (its name or address), by tag or by network. An open port that no row expects is a
# finding; so is an expected one that is proved closed. `roundsman baseline` proposes rows from what is there.
#[[expected]]
#tag = "web"
#zone = "default"
#ports = "tcp/80,443"
#note = "the shop"
#accepted_by = "Ada Lovelace"
#accepted_on = 2031-01-07

# Where TLS is spoken beyond what the port sweep finds: services that begin in plaintext, and names to ask for.
#[[endpoints]]
#host = "www.example.org"
#port = 25
#name = "mail.example.org"
#starttls = "smtp"

# Your own root certificates (PEM), trusted beside Mozilla's when certificates are judged.
#[tls]
#roots = "/etc/ssl/own-roots.pem"

# A second opinion from SSL Labs, for names of the scope that are public beyond doubt: Qualys learns of them, and looks
# from outside. Read its terms, and register your address with its API first. Nothing internal is ever sent.
#[ssllabs]
#enabled = true
#email = "ada@example.org"

# Where facts are kept: a local SQLite file without this. ROUNDSMAN_DATABASE_URL goes before it. A URL with a password
# belongs in an environment variable, whose name is given here.
#[database]
#url_env = "ESTATE_DATABASE"

# Where evidence is kept: a local folder without this; or a Prefect filesystem block, as block = "type/name".
#[evidence]
#folder = "/var/lib/roundsman/evidence"

# How long `roundsman prune` keeps raw evidence and runs, in days; for ever without this. Nothing goes by itself.
#[retention]
#evidence_days = 400
#runs_days = 800
"""

PACE = 40_000
"""Two loopback addresses share it. All 65,535 ports of one take some four seconds at half of this pace; nmap needs two
of them at any pace (measured with nmap 7.93), and 66 at the usual 1000."""


def starter_manifest(hostname: str, authorised_by: str, own_addresses: Iterable[str] = (), *, ipv6: bool = True) -> str:
    """Write the file for this machine.

    Args:
        hostname: how reports call the estate.
        authorised_by: who says that this machine may be scanned.
        own_addresses: further addresses of this machine that may be scanned; link-local ones are left out, since they
            mean another host on every interface.
        ipv6: whether this machine has an IPv6 loopback address; asking for one that is not there would leave half
            of the questions unanswered.

    Raises:
        BadTarget: one of the texts is no plain line, or one of the addresses none.
    """
    own = in_order(read_network(address.partition("%")[0]) for address in own_addresses)
    if any(network.num_addresses > 1 for network in own):
        raise BadTarget("this machine's own addresses are single addresses, not networks")
    loopback = _LOOPBACK if ipv6 else _LOOPBACK[:1]
    others = (str(network) for network in own if not (network.is_loopback or network.is_link_local))
    return _TEXT.format(
        estate=quoted(read_plain(hostname)),
        authorised_by=quoted(read_plain(authorised_by)),
        networks=", ".join(quoted(network) for network in (*loopback, *others)),
        pace=PACE,
    )
