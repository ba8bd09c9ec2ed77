"""Who is told when a night goes wrong: one url that gets a POST with JSON."""

from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound
from pydantic import SecretStr

from hm_pipeline.errors import ConfigError

NAME = "hm-webhook"


def ensure_webhook(client: SyncPrefectClient, url: SecretStr) -> str | None:
    """The id of the server's webhook block, which has this url from now on.

    Without a url one that was saved before stays; None where there is none. The url is a secret (whoever
    knows it may write there): the server keeps it encrypted, and nothing prints it.
    """
    if url.get_secret_value():
        if not url.get_secret_value().startswith(("https://", "http://")):
            raise ConfigError("HM_WEBHOOK is no http(s) url (its value is not shown here)")
        block = Webhook(url=url, headers={"Content-Type": "application/json"})
        block.save(NAME, overwrite=True)
    return find_webhook(client)


def find_webhook(client: SyncPrefectClient) -> str | None:
    """The id of the block, or None."""
    try:
        return str(client.read_block_document_by_name(NAME, "webhook", include_secrets=False).id)
    except ObjectNotFound:
        return None
