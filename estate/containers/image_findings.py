"""Which facts of an image are findings, and when a change is one of the world's knowledge and not of the image."""

from collections.abc import Mapping

from estate.assets import Asset
from estate.containers.image_reading import CONFIGURATION, IMAGE, PROBLEM, SECRET, VULNERABILITY
from estate.findings import Detection, Rule, Ruling, Severity
from estate.observations import Attributes

NAMESPACE = "image"
_VULNERABLE = Rule(
    NAMESPACE,
    "image-vulnerability",
    "A package in the image has a known vulnerability",
    "In the base: build again on a base that has the fix. In the application: ask for the fixed version of the package,"
    " and build again.",
    ("CIS Docker 4.4", "CIS Controls 7.6"),
)
_SECRET = Rule(
    NAMESPACE,
    "image-secret",
    "The image holds a secret",
    "Call the secret back where it is valid: whoever can pull the image has it. Then build without it (RUN"
    " --mount=type=secret); to delete it in a later layer leaves it in the earlier one.",
    ("CIS Docker 4.10", "ATT&CK T1552.001"),
)
_END_OF_LIFE = Rule(
    NAMESPACE,
    "os-eol",
    "The image's operating system gets no more security updates",
    "Build on a release that is maintained.",
    ("CIS Docker 4.2", "CIS Controls 2.2"),
)
_OTHER_CHECK = Rule(
    NAMESPACE,
    "image-configuration",
    "A check of the image's configuration failed",
    "See what the check says.",
    ("https://avd.aquasec.com/misconfig/dockerfile/",),
)
_CHECKS: Mapping[str, tuple[str, str]] = {
    "DS001": ("The image is built on a tag that moves", "Name a version, or better a digest, after FROM."),
    "DS002": ("The image runs as root", "Make a user, and name it in a last USER instruction."),
    "DS004": ("The image exposes ssh", "Take the port out of EXPOSE, and the server out of the image."),
    "DS005": ("ADD is used where COPY does", "Use COPY."),
    "DS010": ("sudo is used in the build", "Run as root in the build, and change the user at its end."),
    "DS013": ("cd is used where WORKDIR does", "Use WORKDIR."),
    "DS017": ("Package lists are updated in a step of their own", "Update and install in one RUN."),
    "DS026": ("The image has no health check", "Add HEALTHCHECK, unless the orchestrator asks in its own way."),
    "DS029": ("Packages come with what they only recommend", "Install with --no-install-recommends."),
    "DS031": ("A variable of the image holds a secret", "Hand secrets in at run time, and call this one back."),
}
RULES: Mapping[tuple[str, str], Rule] = {
    (rule.namespace, rule.name): rule
    for rule in (
        _VULNERABLE,
        _SECRET,
        _END_OF_LIFE,
        _OTHER_CHECK,
        *(Rule(NAMESPACE, name, title, remedy) for name, (title, remedy) in _CHECKS.items()),
    )
}
_PARTS = {
    "base": "in the base",
    "application": "in the application's layers",
    "configuration": "in the image's configuration",
}
_TRIVYS = frozenset({VULNERABILITY, SECRET, CONFIGURATION, PROBLEM})


def finding(asset: Asset, key: str, value: Attributes, detection: Detection) -> Ruling | None:
    """What the state of a fact means; which images there are is no finding by itself."""
    family, _, item = key.partition("/")
    told = dict(value)
    severity = Severity(told.get("severity", Severity.MEDIUM.value))
    if family == VULNERABILITY:
        cve = item.rpartition(":")[2]
        subject = f"{told.get('package') or item}: {cve} in {asset.key}"
        return Ruling(_VULNERABLE, asset, key, severity, detection, subject, _vulnerability(told))
    if family == SECRET:
        rule, _, path = item.partition(":")
        evidence = ", ".join(word for word in (told.get("title", ""), _PARTS.get(told.get("layer", ""), "")) if word)
        return Ruling(_SECRET, asset, key, severity, detection, f"{rule} at {path} in {asset.key}", evidence)
    if family == CONFIGURATION:
        rule_ = RULES.get((NAMESPACE, item), _OTHER_CHECK)
        named = rule_.title if rule_ is not _OTHER_CHECK else told.get("title") or item
        return Ruling(rule_, asset, key, severity, detection, f"{named}: {asset.key}", told.get("message", ""))
    if family == PROBLEM:
        subject = f"{_END_OF_LIFE.title}: {asset.key}"
        return Ruling(_END_OF_LIFE, asset, key, severity, detection, subject, told.get("os", ""))
    return None


def same_image(key: str, before: Mapping[str, Attributes], after: Mapping[str, Attributes]) -> bool:
    """Whether a change of this key is not the image's doing: all tags mean the very images that they meant before.

    Args:
        key: of the fact that changed.
        before: the present facts of the asset before, by key.
        after: those of now.
    """
    if key.partition("/")[0] not in _TRIVYS:
        return False
    was, is_ = _images(before), _images(after)
    # An image that was pushed since has a digest that it lacked, and one that was converted another id.
    return bool(was) and was.keys() == is_.keys() and all(_both(was[tag], is_[tag]) for tag in was)


def _images(facts: Mapping[str, Attributes]) -> dict[str, tuple[str, str]]:
    found = {key: dict(value) for key, value in facts.items() if key.startswith(f"{IMAGE}/")}
    return {key: (told.get("digest", ""), told.get("id", "")) for key, told in found.items()}


def _both(one: tuple[str, str], other: tuple[str, str]) -> bool:
    return any(mine and mine == yours for mine, yours in zip(one, other, strict=True))


def _vulnerability(told: Mapping[str, str]) -> str:
    fixed, status = told.get("fixed", ""), told.get("status", "").replace("_", " ")
    score, source = told.get("cvss", ""), told.get("cvss_source", "")
    words = (
        f"{told.get('package', '')} {told.get('installed', '')}".strip(),
        f"fixed in {fixed}" if fixed else f"no fix yet{f' ({status})' if status else ''}",
        _PARTS.get(told.get("layer", ""), ""),
        f"CVSS {score}{f' ({source})' if source else ''}" if score else "",
    )
    return ", ".join(word for word in words if word)
