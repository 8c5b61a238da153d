"""What can go wrong, and whether time can heal it.

RoundsmanError                 exit code 2 unless a class says otherwise
├── BadInput                   a file, option or value is wrong: names file, line and field
│   ├── BadTarget              a target, port list or name that a tool could misread
│   └── BadReport              a scanner's report that cannot be read, or is over a limit
├── OutOfScope                 exit code 4: nothing was sent
│   ├── ScopeNotValid          expired, not yet valid, or outside its windows
│   └── ScopeMissing           no scope of that name
├── CouldNotLook               exit code 3: we are blind, which is never "it is gone"
│   ├── ToolMissing            the scanner is not installed
│   ├── ToolNotAllowed         the scanner lacks a right (raw sockets)
│   ├── ToolFailed             the scanner ended badly            (retryable)
│   ├── ToolTimedOut           the scanner passed its deadline    (retryable)
│   └── RegistryError          a registry of images did not tell
│       ├── RegistryNotTrusted     wrong certificate, wrong content, too much of it, or sent on to another host
│       ├── RegistryRefused        without, or with these credentials
│       ├── RegistryLacks          no such image there
│       ├── RegistryBusy           asked too often                (retryable)
│       └── RegistryUnreachable    no connection, or no answer in time  (retryable)
├── EvidenceError              exit code 3
│   ├── EvidenceMissing        the bytes are not where the index says
│   ├── EvidenceAltered        the bytes are not what the index says
│   └── EvidenceNotStored      disk full, no permission           (retryable)
├── StoreError
│   ├── StoreBusy              another process holds the lock     (retryable)
│   └── StoreTooNew            written by a newer Roundsman
├── NothingToAsk               exit code 0: as far as anybody looked, there is nothing of that kind
└── NotFound                   no such run, finding or asset
"""


class RoundsmanError(Exception):
    """Root of the tree; `str()` is what an operator reads, with what to do about it."""

    retryable = False
    exit_code = 2


class BadInput(RoundsmanError):
    """Something an operator wrote is wrong."""


class BadTarget(BadInput):
    """A target, port list or name that a scanner could misread as something else."""


class BadReport(BadInput):
    """A scanner's report that cannot be read safely or at all."""


class OutOfScope(RoundsmanError):
    """The target is not ours to touch; nothing was sent."""

    exit_code = 4


class ScopeNotValid(OutOfScope):
    """The authorisation is expired, not yet valid, or we are outside its windows."""


class ScopeMissing(OutOfScope):
    """Nothing authorises this scan."""


class CouldNotLook(RoundsmanError):
    """We are blind."""

    exit_code = 3


class ToolMissing(CouldNotLook):
    """The scanner is not installed."""


class ToolNotAllowed(CouldNotLook):
    """The scanner lacks a right that the question needs."""


class ToolFailed(CouldNotLook):
    """The scanner ended badly."""

    retryable = True


class ToolTimedOut(CouldNotLook):
    """The scanner passed its deadline."""

    retryable = True


class RegistryError(CouldNotLook):
    """A registry of images did not tell."""


class RegistryNotTrusted(RegistryError):
    """What answers may not be the registry, or what it answers not what was asked for."""


class RegistryRefused(RegistryError):
    """The registry wants credentials, or others."""


class RegistryLacks(RegistryError):
    """The registry has no such image."""


class RegistryBusy(RegistryError):
    """The registry was asked too often."""

    retryable = True


class RegistryUnreachable(RegistryError):
    """No connection, no answer in time, or one that says that the registry is broken."""

    retryable = True


class EvidenceError(RoundsmanError):
    """Stored evidence cannot be used."""

    exit_code = 3


class EvidenceMissing(EvidenceError):
    """The bytes are not where the index says."""


class EvidenceAltered(EvidenceError):
    """The bytes are not what the index says."""


class EvidenceNotStored(EvidenceError):
    """The bytes could not be written; nothing was half-written."""

    retryable = True


class StoreError(RoundsmanError):
    """The database cannot be used as asked."""


class StoreBusy(StoreError):
    """Another process holds what we need."""

    retryable = True
    exit_code = 3


class StoreTooNew(StoreError):
    """A newer Roundsman wrote this database."""


class NothingToAsk(RoundsmanError):
    """There is nothing to look at, and somebody did look for it: no run is opened, and nothing is wrong."""

    exit_code = 0


class NotFound(RoundsmanError):
    """No such run, finding or asset."""
