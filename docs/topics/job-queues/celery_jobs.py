import asyncio
import os

from celery import Celery

url = os.environ["VALKEY_URL"]
celery = Celery("jobs", broker=url, backend=url)
celery.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    result_expires=3600,
    broker_transport_options={"visibility_timeout": 600},
)


async def render(month: str) -> str:
    return f"report-{month}.pdf"


# --8<-- [start:tasks]
@celery.task
async def never_awaited(month: str) -> str:
    return await render(month)


@celery.task
def awaited(month: str) -> str:
    return asyncio.run(render(month))
    # --8<-- [end:tasks]
