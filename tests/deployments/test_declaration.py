"""What `prefect deploy` takes without a word is refused here: misspelt keys, unknown parameters, wrong types."""

from pathlib import Path

import pytest

from deployments.declaration import SHIPPED, read_declaration
from estate.errors import BadInput


def test_no_two_flows_start_at_once() -> None:
    starts = [(each.entrypoint, schedule.cron.split()[:2]) for each in read_declaration().deployments
              for schedule in each.schedules]  # fmt: skip
    assert len({tuple(start) for _, start in starts}) == len({flow for flow, _ in starts})


@pytest.mark.parametrize(
    ("written", "instead", "why"),
    [
        ("schedules:", "scheduels:", "schedules: Field required"),
        ("    tags:", "    tag: x\n    tags:", "tag: Extra inputs are not permitted"),
        ("parameters: {}", "parameters: {sweeep: {}}", "the flow has no parameter 'sweeep'; it has sweep"),
        ("{sweep: {trigger: schedule}}", "{sweep: {trigger: cron}}", "schedule 'nightly'"),
        ("{sweep: {trigger: schedule}}", "{sweep: {port: '80'}}", "schedule 'nightly'"),
        ('cron: "17 1 * * *"', 'cron: "17 25 * * *"', "schedule 'nightly'"),
        ('cron: "17 1 * * *"', 'cron: "*/5 * * * *"', "the first is one minute"),
        ("timezone: UTC", "timezone: Europe/Bonn", "schedule 'nightly'"),
        ("slug: weekly", "slug: daily", "two schedules are called 'daily'"),
        ("limit: 1", "limit: 0", "limit: Input should be greater than or equal to 1"),
        ("ENQUEUE", "QUEUE", "collision_strategy"),
        ("flows.tls_grade.tls_grade", "flows.tls_grades.tls_grade", "cannot be loaded"),
        ("flows.tls_grade.tls_grade", "flows.port_sweep.port_sweep", "deployed twice"),
        ("flows.tls_grade.tls_grade", "flows/tls_grade.py:tls_grade", "entrypoint"),
        ('version: "0.1.0"', 'version: "0.0.9"', "but this is Roundsman"),
        ("name: roundsman\n", "name: roundsman\nname: again\n", "duplicate key"),
        ("name: roundsman\n", "name: [\n", "prefect.yaml"),
    ],
)
def test_a_mistake_is_refused_with_its_place(tmp_path: Path, written: str, instead: str, why: str) -> None:
    good = SHIPPED.read_text()
    assert written in good
    path = tmp_path / "prefect.yaml"
    path.write_text(good.replace(written, instead, 1))
    with pytest.raises(BadInput) as refused:
        read_declaration(path)
    assert str(refused.value).startswith(str(path))
    assert why in str(refused.value)


def test_a_file_that_is_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_declaration(tmp_path / "prefect.yaml")
    (tmp_path / "prefect.yaml").write_bytes(b"name: \xff\n")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_declaration(tmp_path / "prefect.yaml")
