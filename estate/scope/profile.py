"""Which ports are asked unless an operator says otherwise, and how port lists are read."""

import re

from estate.coverage import Keys
from estate.errors import BadTarget

HIGH_PORTS = (
    ("1080,3128,8118", "proxies"),
    ("1099,8686,9010", "Java management"),
    ("1433-1434,1521,3306,5432,5984,27017-27019,28015,50000", "databases"),
    ("1883,8883,4369,5671-5672,15672,61616,8161,9092,4222", "message brokers"),
    ("2049,3260,9000,24007", "file and block storage"),
    ("2181,8500,8300,4646,8200", "service discovery and secrets"),
    ("2375-2377", "Docker and its swarm"),
    ("2379-2380,6443,10248-10250,10255-10257,30000", "Kubernetes and etcd"),
    ("3000,5601,8086,9090-9094,9115,9187", "monitoring and its panels"),
    ("3268-3269,9389", "directory services"),
    ("3389,5800-5801,5900-5903,6000-6001,5938", "remote screens"),
    ("4505-4506,5985-5986,8140,8089,8834", "configuration and security management"),
    ("4200,5000-5001,8000-8010,8080-8091,8100,8180,8443-8444,8787,8880,8888-8889,9080,9443,9999-10001", "web panels"),
    ("4786,8291,8728-8729", "network equipment"),
    ("5060-5061", "telephony"),
    ("5555,4444,9229", "debuggers, and a backdoor's favourite"),
    ("6379,11211,26379", "caches"),
    ("7000-7001,7077,7199,9042,9160", "Cassandra, Spark and WebLogic"),
    ("7474,7687,8123,9200,9300", "search, graph and column stores"),
    ("8530-8531", "Windows updates"),
    ("9100-9107", "printers, which are asked whether they answer and nothing else"),
    ("16509,16514,8006,2024,2222", "hypervisors, and shells that moved"),
    ("20000,44818,1911,4840", "industrial control"),
)
"""Well-known ports above 1024, by what usually listens there: where remote control and data are found when nobody
looked. The list is a judgement (from the products' own documentation), kept here so that it can be argued with."""

_BARE = re.compile(r"[0-9][0-9,-]*\Z")
_FAMILIES = {"tcp", "udp"}


def read_ports(value: object) -> Keys:
    """Read `tcp/1-1024,8080 udp/53`; numbers alone are TCP, and `tcp/*` is every port from 1.

    Raises:
        BadTarget: anything else, so that no option or shell word passes for a port.
    """
    if not isinstance(value, str):
        raise BadTarget("is not text: write ports in quotes, such as 'tcp/1-1024,8080'")
    text = value.strip(" ")
    if len(text) > 65536 or not text.isascii() or not text.isprintable():
        raise BadTarget(f"{value[:40]!r} is not a list of ports such as tcp/1-1024,8080 udp/53")
    keys = Keys.parse(f"tcp/{text}" if _BARE.match(text) else text.replace("/*", "/1-65535"))
    strange = set(keys.families) - _FAMILIES
    if strange:
        raise BadTarget(f"{', '.join(sorted(strange))} cannot be asked: ports are tcp/… or udp/…")
    if not keys:
        raise BadTarget("no ports at all: write for example tcp/1-1024,8080")
    if any(keys.spans(family)[0][0] == 0 for family in keys.families):
        raise BadTarget("port 0 cannot be asked: ports begin at 1")
    return keys


DEFAULT_PORTS = str(read_ports("1-1024," + ",".join(ports for ports, _ in HIGH_PORTS)))
