"""How far runs are is told by those who ask, and never falls."""

import pytest

from tasks import progress


def test_a_run_is_as_far_as_its_shards() -> None:
    progress.start("a", 4, done=[3])
    assert progress.share("a") == 0.25
    progress.report("a", 0, 0.5)
    progress.report("a", 0, 0.2)
    progress.report("a", 1, 7.0)
    assert progress.share("a") == pytest.approx((0.5 + 1 + 0 + 1) / 4)
    assert dict(progress.running()) == {"a": progress.share("a")}
    progress.finish("a")
    assert dict(progress.running()) == {}


def test_a_run_that_ended_or_asks_nothing_is_nowhere() -> None:
    progress.report("gone", 0, 0.5)
    assert progress.share("gone") == 0.0
    progress.start("empty", 0)
    assert progress.share("empty") == 0.0
    progress.finish("empty")
    progress.finish("empty")
