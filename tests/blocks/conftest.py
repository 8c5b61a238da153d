"""One Prefect server for all tests of blocks: it takes twenty seconds to start."""

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")

from prefect.testing.utilities import prefect_test_harness  # reads its settings when imported


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=180):
        yield
