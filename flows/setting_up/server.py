"""The Prefect server that PREFECT_API_URL names; nothing here starts one."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import get_current_settings

from hm_pipeline.errors import ConfigError, HmPipelineError


class ServerError(HmPipelineError):
    """The Prefect server does not answer, or refused something."""


@contextmanager
def connected() -> Iterator[SyncPrefectClient]:
    """A client of a server that answers; ConfigError where none is named, ServerError where it is silent."""
    url = api_url()
    with get_client(sync_client=True) as client:
        silence = client.api_healthcheck()
        if silence is not None:
            raise ServerError(
                f"no Prefect server answers at {url} ({silence}): start it, or set PREFECT_API_URL"
            )
        try:
            yield client
        except httpx.HTTPStatusError as error:
            said = error.response.text[:500]
            raise ServerError(f"{url} refused {error.request.url.path}: {said}") from error


def api_url() -> str:
    """Where the server is. ConfigError."""
    url = get_current_settings().api.url
    if not url:
        raise ConfigError("no Prefect server is named: set PREFECT_API_URL, e.g. http://127.0.0.1:4200/api")
    return url


def ui_url() -> str:
    """Where a person looks, as links in messages have it."""
    return (get_current_settings().ui_url or api_url().removesuffix("/api")).rstrip("/")
