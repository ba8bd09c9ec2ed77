"""Requests to a server that may be busy: what Prefect's own client does when it reads 503, for tests that have none."""

import json
import time
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen


def ask(url: str, body: Any = None, method: str | None = None, patience: float = 180) -> Any:
    """The JSON that it answers: to a POST where there is a body, else to a GET, unless told otherwise.

    A server error or none to be reached is asked again for `patience` seconds: a server on SQLite answers 503 while
    its database is locked, or nothing for a minute; one that is restarted is not there. What the caller did wrong
    (4xx) is raised at once.
    """
    data = None if body is None else json.dumps(body).encode()
    end = time.monotonic() + patience
    while True:
        request = Request(url, data=data, headers={"Content-Type": "application/json"}, method=method)
        try:
            with urlopen(request, timeout=60) as answer:
                said = answer.read()
            return json.loads(said) if said else None
        except (URLError, OSError) as error:
            final = getattr(error, "code", 500) < 500
            if final or time.monotonic() > end:
                raise
            time.sleep(1)
