"""How a connection can fail before anybody speaks TLS, told apart as far as the network tells them apart."""


class NoConversation(OSError):
    """Root of these; `outcome` is the word that evidence bears."""

    outcome = "garbage"


class Refused(NoConversation):
    """The port is closed: an active negative."""

    outcome = "refused"


class Unreachable(NoConversation):
    """A router or our own kernel says that there is no way."""

    outcome = "unreachable"


class Silent(NoConversation):
    """Nothing came in time."""

    outcome = "silent"


class Reset(NoConversation):
    """The other side ended the connection."""

    outcome = "reset"


class Plaintext(NoConversation):
    """Something answered in words."""

    outcome = "plaintext"


class Garbage(NoConversation):
    """Something answered in a language that is not TLS."""

    outcome = "garbage"


class StarttlsRefused(NoConversation):
    """The plaintext protocol is spoken, and TLS is not to be had in it."""

    outcome = "starttls-refused"
