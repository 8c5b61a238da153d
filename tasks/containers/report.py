"""What of Trivy's report may be stored: no environment, no history, no line that a secret stands in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from estate.containers.image import ImageVisit
from estate.containers.layers import LABEL_DIGEST, LABEL_NAME, guess_base
from estate.containers.secrets import why_secret
from estate.containers.trivy import MOST_BYTES, check_id
from estate.errors import BadReport
from estate.text import printable

_MOST_LABELS = 64
_HIDDEN = "(a secret)"
_LONGEST_LABEL = 200
_OF_CONFIG = ("architecture", "created", "os", "rootfs")
_OF_SECRETS = ("RuleID", "Category", "Severity", "Title", "StartLine", "EndLine")
# The messages of other checks quote the command that they judge, with whatever was handed to it.
_PLAIN_MESSAGES = frozenset({"DS002", "DS026", "DS031"})
_OF_CHECKS = ("Type", "ID", "AVDID", "Title", "Description", "Resolution", "Severity", "Status", "PrimaryURL")


@dataclass(frozen=True, slots=True)
class Report:
    """Trivy's report in memory."""

    told: dict[str, object]

    def complete(self, visit: ImageVisit) -> ImageVisit:
        """The visit with what the report knows of the image."""
        metadata = _object(self.told.get("Metadata"))
        config = _object(metadata.get("ImageConfig"))
        labels = {
            printable(str(name), _LONGEST_LABEL): _HIDDEN
            if why_secret(str(name), str(value))
            else printable(str(value), _LONGEST_LABEL)
            for name, value in sorted(_object(_object(config.get("config")).get("Labels")).items())[:_MOST_LABELS]
        }
        digests = [one for one in _list(metadata.get("RepoDigests")) if isinstance(one, str)]
        history = [_object(one) for one in _list(config.get("history"))]
        guessed = guess_base((str(one.get("created_by", "")), one.get("empty_layer") is True) for one in history)
        by_name = dict(one.rpartition("@")[::2] for one in digests)
        only = next(iter(by_name.values())) if len(by_name) == 1 else ""
        return replace(
            visit,
            digest=visit.digest or printable(by_name.get(visit.repository, only), 100),
            image_id=visit.image_id or printable(str(metadata.get("ImageID", "")), 100),
            layers=visit.layers
            or tuple(printable(one, 100) for one in _list(metadata.get("DiffIDs")) if isinstance(one, str)),
            labels=visit.labels or tuple(labels.items()),
            base_name=visit.base_name or labels.get(LABEL_NAME, ""),
            base_digest=visit.base_digest or labels.get(LABEL_DIGEST, ""),
            created=visit.created or printable(str(config.get("created", "")), 60),
            guessed=visit.guessed or guessed,
            unsearched=guessed,
        )

    def stored(self) -> "Report":
        """What may be stored and shown."""
        metadata = _object(self.told.get("Metadata"))
        config = {name: value for name, value in _object(metadata.get("ImageConfig")).items() if name in _OF_CONFIG}
        results = [_stored(_object(one)) for one in _list(self.told.get("Results"))]
        return Report({**self.told, "Metadata": {**metadata, "ImageConfig": config}, "Results": results})

    def packages(self) -> "Report":
        """The packages alone, of which an SBOM is made."""
        metadata = _object(self.told.get("Metadata"))
        results = [
            {name: value for name, value in _object(one).items() if name in {"Target", "Class", "Type", "Packages"}}
            for one in _list(self.told.get("Results"))
            if _object(one).get("Packages")
        ]
        config = {name: value for name, value in _object(metadata.get("ImageConfig")).items() if name in _OF_CONFIG}
        return Report({**self.told, "Metadata": {**metadata, "ImageConfig": config}, "Results": results})

    def rated_by(self, rated: "Report") -> "Report":
        """This report with the vulnerabilities, and the system, of a later rating of its packages."""
        kept = [_without(_object(one), "Vulnerabilities") for one in _list(self.told.get("Results"))]
        kept = [one for one in kept if one.get("Class") not in {"os-pkgs", "lang-pkgs"}]
        metadata = _object(self.told.get("Metadata"))
        system = _object(rated.told.get("Metadata")).get("OS")
        if system is not None:
            metadata = {**metadata, "OS": system}
        return Report({**self.told, "Metadata": metadata, "Results": [*kept, *_list(rated.told.get("Results"))]})

    def write(self, path: Path) -> Path:
        """Write it as JSON."""
        path.write_text(json.dumps(self.told, separators=(",", ":")))
        return path


def load_report(path: Path) -> Report:
    """Read what Trivy wrote.

    Raises:
        BadReport: it is cut, too large, or none.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadReport(f"a report of Trivy with more than {MOST_BYTES:,} bytes")
        told = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        raise BadReport("Trivy ended well and left no whole report") from None
    if not isinstance(told, dict) or told.get("SchemaVersion") != 2:
        raise BadReport("Trivy's report is none of schema 2")
    return Report(told)


def _message(check: Mapping[str, object]) -> dict[str, object]:
    plain = check_id(str(check.get("ID"))) in _PLAIN_MESSAGES
    return {"Message": check.get("Message")} if plain else {}


def _stored(result: Mapping[str, object]) -> dict[str, object]:
    kept = _without(result, "Packages", "Secrets", "Misconfigurations", "Vulnerabilities")
    for name, fields in (("Secrets", _OF_SECRETS), ("Misconfigurations", _OF_CHECKS)):
        if _list(result.get(name)):
            kept[name] = [
                {
                    **{field: value for field, value in _object(one).items() if field in fields},
                    "Layer": _without(_object(_object(one).get("Layer")), "CreatedBy"),
                    **(
                        {"Message": _object(one).get("Message")}
                        if check_id(str(_object(one).get("ID"))) in _PLAIN_MESSAGES
                        else {}
                    ),
                }
                for one in _list(result.get(name))
            ]
    if _list(result.get("Vulnerabilities")):
        kept["Vulnerabilities"] = [
            {**_object(one), "Layer": _without(_object(_object(one).get("Layer")), "CreatedBy")}
            for one in _list(result.get("Vulnerabilities"))
        ]
    return kept


def _without(told: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in told.items() if name not in names}


def _object(told: object) -> dict[str, object]:
    return told if isinstance(told, dict) else {}


def _list(told: object) -> list[object]:
    return told if isinstance(told, list) else []
