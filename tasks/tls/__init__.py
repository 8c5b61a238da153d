"""TLS endpoints: each is asked a question that is a value, and brings one document of evidence."""

from tasks.tls.ask import ask_many, ask_tls
from tasks.tls.question import Profile, Starttls, TlsQuestion

__all__ = ["Profile", "Starttls", "TlsQuestion", "ask_many", "ask_tls"]
