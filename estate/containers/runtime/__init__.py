"""Checks of running containers; a new one is a function with a line in its file's list."""

from collections.abc import Mapping

from estate.containers.runtime import drift, isolation, operation, unscanned
from estate.containers.runtime.check import NAMESPACE, Check
from estate.findings import Rule

CHECKS: tuple[Check, ...] = tuple(
    sorted((*isolation.CHECKS, *operation.CHECKS, *drift.CHECKS, *unscanned.CHECKS), key=lambda check: check.id)
)
BY_ID: Mapping[str, Check] = {check.id: check for check in CHECKS}
RULES: Mapping[tuple[str, str], Rule] = {(NAMESPACE, check.id): check.rule for check in CHECKS}
