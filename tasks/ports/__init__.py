"""Port scanners: each is asked a question that is a value, and brings evidence."""

from tasks.ports.nmap_question import NmapQuestion
from tasks.ports.nmap_scan import ask_nmap, nmap_engine, nmap_rights
from tasks.ports.route import Route, route_to
from tasks.ports.zmap_question import ZmapQuestion
from tasks.ports.zmap_sweep import ask_zmap, zmap_engine, zmap_rights

__all__ = [
    "NmapQuestion",
    "Route",
    "ZmapQuestion",
    "ask_nmap",
    "ask_zmap",
    "nmap_engine",
    "nmap_rights",
    "route_to",
    "zmap_engine",
    "zmap_rights",
]
