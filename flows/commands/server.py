"""Whether a command works through a Prefect server: the one that PREFECT_API_URL names, which must answer."""

import os

from flows.commands.quiet import quiet


def through_a_server() -> str:
    """Let nights and variants run on the pools of the server that is named, if one is; where, in words.

    ServerError where it does not answer.
    """
    url = os.environ.get("PREFECT_API_URL")
    if url:
        os.environ.setdefault("HM_DISPATCH", "pools")
    quiet()
    if not url:
        return "in this process: PREFECT_API_URL names no server"
    from flows.setting_up.server import connected
    from tasks.settings import settings

    with connected():
        where = "on the pools of" if settings().dispatch == "pools" else "in this process, told to"
    return f"{where} {url}"
