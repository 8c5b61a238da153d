"""The scope: what may be scanned, by whose word, how fast and until when."""

from estate.scope.declared import Breaker, Canary
from estate.scope.gate import NOTHING_SENT, Scope
from estate.scope.profile import DEFAULT_PORTS, read_ports
from estate.scope.windows import Window

__all__ = ["DEFAULT_PORTS", "NOTHING_SENT", "Breaker", "Canary", "Scope", "Window", "read_ports"]
