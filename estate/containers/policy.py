"""What a gate asks of an image before it may be deployed, and its word on one image."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from estate.containers.reference import LATEST, Reference, is_in, read_allowed, read_registry_host
from estate.containers.signatures import Signature, Verdict
from estate.errors import BadTarget
from estate.findings import Severity
from estate.observations import Attributes
from estate.scope.words import Moment, Plain, end_instant, told

_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]{0,100}$"
_IDENTITY = re.compile(r"[A-Z][A-Z0-9]{1,15}-[A-Za-z0-9.:-]{1,60}\Z")
_SHOWN = 8
_UNKNOWN_SYSTEM = frozenset({"no-os", "no-packages"})

Word = Literal["refuse", "warn", "allow"]
Allowed = Annotated[str, BeforeValidator(told(read_allowed))]


def _read_identity(value: object) -> str:
    if not isinstance(value, str) or not _IDENTITY.match(value):
        raise BadTarget(f"{str(value)[:60]!r} is no vulnerability's name, such as CVE-2023-4911")
    return value


def _read_host(value: object) -> str:
    return read_registry_host(value if isinstance(value, str) else "")


class _Table(BaseModel):
    """A table of the file: unknown settings are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Ignored(_Table):
    """A vulnerability that somebody accepts, for a while."""

    cve: Annotated[str, BeforeValidator(told(_read_identity))] = Field(description="Its name.")
    package: Plain | None = Field(None, description="Only in this package.")
    reason: Plain = Field(description="Why.")
    by: Plain | None = Field(None, description="Who accepts it.")
    until: Moment = Field(description="Until when, this day included.")


class Override(_Table):
    """Somebody's word that an old database will do, for a while."""

    reason: Plain = Field(description="Why.")
    by: Plain = Field(description="Who says so.")
    until: Moment = Field(description="Until when, this day included.")


class DatabaseRule(_Table):
    """How old the knowledge may be by which an image is judged."""

    maximum_age_hours: int = Field(168, ge=1, le=87_600, strict=True, description="Older, it refuses.")
    override: Override | None = Field(None, description="An exception with an end.")


class SignatureRule(_Table):
    """Whose signature an image needs."""

    keys: tuple[Plain, ...] = Field(min_length=1, description="Files with public keys in PEM, beside this file.")


class VulnerabilityRule(_Table):
    """Which vulnerabilities refuse an image."""

    fail_on: Literal["critical", "high", "medium", "low", "info", "never"] = Field(
        "high", description="The least severity that does."
    )
    fixable_only: bool = Field(True, strict=True, description="Only those that a newer version mends.")
    exploited: Literal["refuse", "refuse-if-known", "allow"] = Field(
        "refuse-if-known",
        description="Those in CISA's catalogue of exploited ones; refuse: no word without the catalogue.",
    )


class Login(_Table):
    """The environment variables that hold a registry's credentials."""

    host: Annotated[str, BeforeValidator(told(_read_host))] = Field(description="The registry.")
    user_env: str = Field(pattern=_VARIABLE, description="The variable with the name.")
    password_env: str = Field(pattern=_VARIABLE, description="The variable with the password or token.")


class GatePolicy(_Table):
    """What is asked of an image; without a file, what hardly anybody wants to deploy is refused."""

    registries: tuple[Allowed, ...] = Field((), description="Where it may come from; anywhere if empty.")
    latest: Word = Field("warn", description="Whether it may be named by a tag that moves.")
    maximum_age_days: int | None = Field(None, ge=1, le=36_500, strict=True, description="When it was built at least.")
    labels: tuple[Plain, ...] = Field((), description="Labels that it needs.")
    secrets: Word = Field("refuse", description="Whether it may hold secrets.")
    end_of_life: Word = Field("refuse", description="Whether its system may be past its end.")
    unknown_system: Literal["blind", "allow"] = Field(
        "blind", description="Whether its system's packages may be unknown, as they are in an image from scratch."
    )
    checks: tuple[Plain, ...] = Field(("DS031",), description="Checks of its configuration that refuse it.")
    signatures: SignatureRule | None = Field(None, description="Whose signature it needs.")
    vulnerabilities: VulnerabilityRule = VulnerabilityRule()
    database: DatabaseRule = DatabaseRule()
    ignore: tuple[Ignored, ...] = Field((), description="Accepted vulnerabilities, each with an end.")
    logins: tuple[Login, ...] = Field((), description="Credentials for registries, by name.")

    @model_validator(mode="after")
    def _says_it_once(self) -> "GatePolicy":
        hosts = [login.host for login in self.logins]
        if len(set(hosts)) < len(hosts):
            raise ValueError("logins: a registry is there twice")
        return self


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of an image that waits at the gate.

    Args:
        name: None for an archive.
        created: when it was built; None where nobody knows.
        labels: its own.
        facts: by key, as scans of images have them.
        blind: families that could not be looked at, with the reason.
        database: when the vulnerability database was made.
        exploited: names of vulnerabilities that are; None where the catalogue was not to be had.
        signature: None where it was not asked for, or there is no registry to ask.
    """

    name: Reference | None
    created: datetime | None
    labels: Mapping[str, str]
    facts: Mapping[str, Attributes]
    blind: Mapping[str, str] = field(default_factory=dict)
    database: datetime | None = None
    exploited: frozenset[str] | None = None
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's word; with anything in `blind` there is none, whatever else was found.

    Args:
        refusing: the keys of facts that refuse the image.
        ignored: the keys of those that somebody accepts, with the reason.
    """

    allowed: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    blind: tuple[str, ...] = ()
    refusing: frozenset[str] = frozenset()
    ignored: Mapping[str, str] = field(default_factory=dict)


def judge(policy: GatePolicy, image: Candidate, now: datetime) -> Decision:
    """Say whether the image may be deployed, with every reason."""
    bench = _Bench(policy, image, now)
    bench.origin()
    bench.signature()
    bench.build()
    bench.sight()
    bench.contents()
    bench.vulnerabilities()
    bench.database()
    return Decision(
        not bench.reasons and not bench.blind,
        tuple(bench.reasons),
        tuple(bench.warnings),
        tuple(dict.fromkeys(bench.blind)),
        frozenset(bench.refusing),
        bench.ignored,
    )


class _Bench:
    """Where the words on one image are gathered."""

    def __init__(self, policy: GatePolicy, image: Candidate, now: datetime) -> None:
        self.policy, self.image, self.now = policy, image, now
        self.reasons: list[str] = []
        self.warnings: list[str] = []
        self.blind: list[str] = []
        self.refusing: set[str] = set()
        self.ignored: dict[str, str] = {}

    def origin(self) -> None:
        name, allowed = self.image.name, self.policy.registries
        if allowed and name is None:
            self.reasons.append("its name does not say which registry it comes from, and only some are allowed")
        elif allowed and name is not None and not any(is_in(name, one) for one in allowed):
            self.reasons.append(
                f"{name.host}/{name.repository} is in no registry that is allowed: {', '.join(allowed)}"
            )
        if name is not None and name.tag == LATEST and not name.digest:
            self._say(self.policy.latest, "it is named by the tag latest, which means another image tomorrow")

    def signature(self) -> None:
        if self.policy.signatures is None:
            return
        found = self.image.signature
        if found is None:
            self.reasons.append("no registry is known to have it, so nobody's signature can be asked for")
        elif found.verdict is Verdict.UNREACHABLE:
            self.blind.append(f"its signature: {found.detail or 'the registry does not tell'}")
        elif found.verdict is not Verdict.SIGNED:
            words = {
                Verdict.UNKNOWN_KEY: "it is signed, but by no key that is trusted",
                Verdict.OTHER_DIGEST: f"what {found.detail or 'a trusted key'} signed there is another image",
                Verdict.UNSIGNED: "it is not signed",
            }
            self.reasons.append(words[found.verdict])

    def build(self) -> None:
        days, created = self.policy.maximum_age_days, self.image.created
        if days is not None and created is None:
            self.reasons.append(f"it does not say when it was built, and may be {days} days old at most")
        elif days is not None and created is not None and self.now - created > timedelta(days=days):
            age = (self.now - created).days
            self.reasons.append(f"it was built {age:,} days ago ({created:%Y-%m-%d}), and {days} are allowed")
        lacking = [label for label in self.policy.labels if not self.image.labels.get(label, "").strip()]
        if lacking:
            self.reasons.append(f"it lacks {'the label' if len(lacking) == 1 else 'the labels'} {', '.join(lacking)}")

    def sight(self) -> None:
        """What could not be looked at: no word on the image, unless the policy has one on just that."""
        for family, reason in self.image.blind.items():
            if reason in _UNKNOWN_SYSTEM:
                words = "its system and packages are not recognised, so their vulnerabilities are not known"
                if self.policy.unknown_system == "allow":
                    self._warn(words)
                else:
                    self.blind.append(words)
            elif reason == "os-eol":
                self._warn("nobody tells of vulnerabilities in a system that is past its end")
            elif family == "secret" and reason == "base-not-searched":
                if self.policy.secrets != "allow":
                    self._warn("its base was not searched for secrets: look at the base as an image of its own")
            elif family == "secret" and self.policy.secrets == "allow":
                continue
            else:
                self.blind.append(reason)

    def contents(self) -> None:
        secrets = self._keys("secret")
        if secrets:
            listed = _listed(key.partition("/")[2] for key in secrets)
            self._say(self.policy.secrets, f"it holds {_counted(len(secrets), 'secret')}: {listed}", secrets)
        ended = self._keys("problem", "os-eol")
        if ended:
            system = dict(self.image.facts[ended[0]]).get("os", "") or "its system"
            self._say(self.policy.end_of_life, f"{system} gets no more security updates", ended)
        failed = [key for key in self._keys("config") if key.partition("/")[2] in self.policy.checks]
        for key in failed:
            title = dict(self.image.facts[key]).get("title", "")
            self._say("refuse", f"check {key.partition('/')[2]} failed: {title}".removesuffix(": "), [key])

    def vulnerabilities(self) -> None:
        rule = self.policy.vulnerabilities
        exploited, severe, tolerated = [], [], 0
        for key in self._keys("vuln"):
            value, cve = dict(self.image.facts[key]), key.rpartition(":")[2]
            accepted = self._accepted(cve, value.get("package", ""))
            if accepted is not None:
                self.ignored[key] = accepted.reason
                continue
            known = self.image.exploited is not None and cve in self.image.exploited
            if known and rule.exploited != "allow":
                exploited.append(key)
            elif self._is_severe(value):
                severe.append(key)
            else:
                tolerated += 1
        if exploited:
            self._say("refuse", f"{_verbed(exploited)} exploited: {self._named(exploited)}", exploited)
        if severe:
            fixable = " with a fix" if rule.fixable_only else ""
            words = f"{_counted(len(severe), 'vulnerability', 'vulnerabilities')} of severity {rule.fail_on} or worse"
            self._say("refuse", f"{words}{fixable}: {self._named(severe)}", severe)
        if tolerated:
            less = f"below {rule.fail_on}" + (" or without a fix" if rule.fixable_only else "")
            less = "tolerated by the policy" if rule.fail_on == "never" else less
            self._warn(f"{_counted(tolerated, 'vulnerability', 'vulnerabilities')} {less}")
        if self.ignored:
            self._warn(f"{_counted(len(self.ignored), 'vulnerability', 'vulnerabilities')} accepted by the policy")
        for one in self.policy.ignore:
            if end_instant(one.until) <= self.now:
                self._warn(f"{one.cve} was accepted until {_day(one.until)}, which is over")
        if self.image.exploited is None and rule.exploited == "refuse":
            self.blind.append("which vulnerabilities are exploited: the catalogue was not to be had")
        elif self.image.exploited is None and rule.exploited == "refuse-if-known" and self._keys("vuln"):
            self._warn("which vulnerabilities are exploited is not known: [intel] in estate.toml names the catalogue")

    def database(self) -> None:
        rule, made = self.policy.database, self.image.database
        if made is None:
            if not self.blind:
                self.blind.append("how old the vulnerability database is")
            return
        age = self.now - made
        if age <= timedelta(hours=rule.maximum_age_hours):
            return
        words = f"the vulnerability database is of {made:%Y-%m-%d}, and {rule.maximum_age_hours} hours are allowed"
        override = rule.override
        if override is None:
            self.reasons.append(words)
        elif end_instant(override.until) <= self.now:
            self.reasons.append(f"{words}; the exception by {override.by} ended on {_day(override.until)}")
        else:
            self._warn(f"{words}; {override.by} allows it until {_day(override.until)}: {override.reason}")

    def _is_severe(self, value: Mapping[str, str]) -> bool:
        rule = self.policy.vulnerabilities
        if rule.fail_on == "never" or (rule.fixable_only and not value.get("fixed")):
            return False
        return Severity(value.get("severity", "medium")).rank >= Severity(rule.fail_on).rank

    def _accepted(self, cve: str, package: str) -> Ignored | None:
        for one in self.policy.ignore:
            if one.cve == cve and one.package in {None, package} and end_instant(one.until) > self.now:
                return one
        return None

    def _keys(self, family: str, item: str = "") -> list[str]:
        found = [key for key in self.image.facts if key.startswith(f"{family}/{item}")]
        worst = {key: -Severity(dict(self.image.facts[key]).get("severity", "info")).rank for key in found}
        return sorted(found, key=lambda key: (worst[key], key))

    def _named(self, keys: Sequence[str]) -> str:
        words = []
        for key in keys:
            value = dict(self.image.facts[key])
            fixed = f" → {value['fixed']}" if value.get("fixed") else ""
            words.append(f"{key.rpartition(':')[2]} ({value.get('package', '')} {value.get('installed', '')}{fixed})")
        return _listed(words)

    def _say(self, word: Word, sentence: str, keys: Iterable[str] = ()) -> None:
        if word == "refuse":
            self.reasons.append(sentence)
            self.refusing.update(keys)
        elif word == "warn":
            self._warn(sentence)

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)


def _verbed(keys: Sequence[str]) -> str:
    counted = _counted(len(keys), "vulnerability", "vulnerabilities")
    return f"{counted} {'is' if len(keys) == 1 else 'are'} known to be"


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _listed(words: Iterable[str]) -> str:
    every = list(words)
    more = f", and {len(every) - _SHOWN:,} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def _day(moment: datetime | date) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if isinstance(moment, datetime) else moment.isoformat()
