"""Waiting until servers answer and workers are online, or saying why they never will be."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flows.machine.places import BUCKET, Machine
from flows.machine.supervision import MachineError, given_up, programs, tail

PATIENCE = 240.0  # seconds: a Prefect server takes 15, and a minute on a busy machine
_HEALTH = {"prefect": "/api/health", "mlflow": "/health", "s3": "/"}
_WORKERS = {"orchestrator": "orchestrator-pool", "cpu": "cpu-pool", "gpu": "gpu-pool"}


def servers_answer(machine: Machine) -> None:
    """Return when all three do. MachineError with the end of the log of one that does not."""
    for name, url in machine.urls.items():
        _until(machine, name, partial(_answers, url + _HEALTH[name]))


def workers_are_online(machine: Machine) -> None:
    """Return when each has told the server so since it was started. MachineError as above."""
    for name, pool in _WORKERS.items():
        _until(machine, name, partial(_is_online, machine, name, pool))


def bucket_is_there(machine: Machine) -> None:
    """Make the bucket, unless it is there."""
    access, secret = machine.keys()
    s3 = boto3.session.Session().client(
        "s3",
        endpoint_url=machine.urls["s3"],
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(retries={"mode": "standard", "max_attempts": 5}),
    )
    try:
        if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
            s3.create_bucket(Bucket=BUCKET)
    except (ClientError, BotoCoreError) as error:
        raise MachineError(f"no bucket at {machine.urls['s3']}: {error}\n{tail(machine, 's3')}") from None


def _until(machine: Machine, program: str, is_ready: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_ready():
        if any(p.name == program for p in given_up(machine)):
            raise MachineError(f"{program} does not start; {tail(machine, program)}")
        if time.monotonic() > end:
            raise MachineError(f"{program} is not ready after {PATIENCE:.0f} s; {tail(machine, program)}")
        time.sleep(0.5)


def _answers(url: str) -> bool:
    """S3 answers 403 to those without keys, which is an answer."""
    try:
        urlopen(url, timeout=5).close()
    except HTTPError as error:
        return error.code < 500
    except (URLError, OSError):
        return False
    return True


def _is_online(machine: Machine, name: str, pool: str) -> bool:
    """The server remembers a worker of the same name that was killed as online for a while."""
    begun = next(p.since for p in programs(machine) if p.name == name)
    return any(worker.name == name and worker.last_heartbeat_time > begun for worker in _workers(pool))


def _workers(pool: str) -> Iterator[Any]:
    from prefect.client.schemas.filters import WorkerFilter, WorkerFilterStatus
    from prefect.client.schemas.objects import WorkerStatus

    from flows.setting_up.server import connected

    online = WorkerFilter(status=WorkerFilterStatus(any_=[WorkerStatus.ONLINE]))
    with connected() as client:
        yield from client.read_workers_for_work_pool(pool, worker_filter=online)
