"""The step that only scans of images have, as Prefect runs it."""

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from blocks.surroundings import open_here
from tasks.containers.rounds import refresh
from tasks.steps import can_heal


@task(
    name="refresh-database",
    task_run_name="refresh the vulnerability database",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=exponential_backoff(backoff_factor=4),
    retry_jitter_factor=0.5,
    retry_condition_fn=can_heal,
)
def refresh_database() -> None:
    """Bring Trivy's database up to date; where nothing whole comes, the one that is there stays in use."""
    now = refresh(open_here())
    get_run_logger().info("Trivy's database is of %s", now.database)
