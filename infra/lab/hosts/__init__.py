"""A lab of real hosts without a container engine: their own root file system, processes, network and accounts."""

from infra.lab.hosts.lab import LabHost, lab_host
from infra.lab.hosts.sshd import Door, ssh_door

__all__ = ["Door", "LabHost", "lab_host", "ssh_door"]
