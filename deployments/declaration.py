"""Read `prefect.yaml` as strictly as Prefect does not: what is misspelt, unknown or ill-typed is refused, and where."""

from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

from prefect import Flow
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ParameterTypeError, ScriptError
from prefect.flows import load_flow_from_entrypoint
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from estate.errors import BadInput

SHIPPED = Path(__file__).with_name("prefect.yaml")

_STRICT = ConfigDict(frozen=True, extra="forbid")
_Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.:-]{0,62}$")]
Parameters = Mapping[str, object]


class DeclaredSchedule(BaseModel):
    """When; the slug is how a schedule is known again."""

    model_config = _STRICT

    slug: _Word
    cron: str
    timezone: str
    active: bool = True
    parameters: Parameters = Field(default_factory=dict)

    @field_validator("cron")
    @classmethod
    def _can_be_spread(cls, value: str) -> str:
        fields = value.split()
        if len(fields) != 5 or not fields[0].isdecimal():
            raise ValueError(
                "is five fields, and the first is one minute: the minutes of further scopes lie apart from it"
            )
        return value

    def at(self, minute: int) -> CronSchedule:
        """The schedule with another minute of the hour."""
        return CronSchedule(cron=" ".join((str(minute), *self.cron.split()[1:])), timezone=self.timezone)

    @property
    def minute(self) -> int:
        """The minute of the hour."""
        return int(self.cron.split()[0])


class DeclaredLimit(BaseModel):
    """How many runs of one deployment go on at once, and what becomes of one more."""

    model_config = _STRICT

    limit: int = Field(ge=1)
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]


class DeclaredPool(BaseModel):
    """Whose workers run it."""

    model_config = _STRICT

    name: _Word


class DeclaredDeployment(BaseModel):
    """One row: a flow, and when it runs."""

    model_config = _STRICT

    name: _Word
    entrypoint: Annotated[str, Field(pattern=r"^flows\.[a-z_]+\.[a-z_]+$")]
    version: str
    description: str = Field(min_length=40)
    tags: tuple[_Word, ...]
    parameters: Parameters
    schedules: tuple[DeclaredSchedule, ...]
    concurrency_limit: DeclaredLimit
    work_pool: DeclaredPool

    def load(self) -> Flow[..., object]:
        """The flow itself.

        Raises:
            BadInput: it cannot be imported.
        """
        try:
            loaded: Flow[..., object] = load_flow_from_entrypoint(self.entrypoint, use_placeholder_flow=False)
        except (ImportError, AttributeError, ScriptError) as error:
            raise BadInput(f"{self.entrypoint} cannot be loaded: {error}") from None
        return loaded


class Declaration(BaseModel):
    """The file."""

    model_config = _STRICT

    name: _Word
    deployments: tuple[DeclaredDeployment, ...] = Field(min_length=1)


def read_declaration(path: Path = SHIPPED) -> Declaration:
    """Read the file, load every flow, and see that each takes its parameters.

    Raises:
        BadInput: with the place of what is wrong.
    """
    try:
        found = Declaration.model_validate(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 at byte {error.start}") from None
    except YAMLError as error:
        raise BadInput(f"{path}: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{path}: {place}: {first['msg'].removeprefix('Value error, ')}") from None
    try:
        _agree(found)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    return found


def _agree(found: Declaration) -> None:
    for entrypoint, times in Counter(each.entrypoint for each in found.deployments).items():
        if times > 1:
            raise BadInput(f"{entrypoint} is deployed twice; one deployment may have several schedules")
    for each in found.deployments:
        if each.version != version("roundsman"):
            raise BadInput(f"{each.entrypoint}: version {each.version!r}, but this is Roundsman {version('roundsman')}")
        flow = each.load()
        _takes(flow, each.parameters, each.entrypoint)
        for slug, times in Counter(schedule.slug for schedule in each.schedules).items():
            if times > 1:
                raise BadInput(f"{each.entrypoint}: two schedules are called {slug!r}")
        for schedule in each.schedules:
            where = f"{each.entrypoint}, schedule {schedule.slug!r}"
            try:
                schedule.at(schedule.minute)
            except ValidationError as error:
                raise BadInput(f"{where}: {error.errors(include_url=False, include_input=False)[0]['msg']}") from None
            _takes(flow, {**each.parameters, **schedule.parameters}, where)


def _takes(flow: Flow[..., object], parameters: Parameters, where: str) -> None:
    known = set(flow.parameters.properties)
    if unknown := sorted(set(parameters) - known):
        raise BadInput(f"{where}: the flow has no parameter {unknown[0]!r}; it has {', '.join(sorted(known))}")
    try:
        flow.validate_parameters(dict(parameters))
    except ParameterTypeError as error:
        raise BadInput(f"{where}: {' '.join(str(error).split())}") from None
