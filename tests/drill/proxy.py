"""An S3 server between workers and the real one, that can be made ill: it passes everything on as it came.

with proxy.trouble(Trouble("PUT .*/samples/", busy)):     answers 503 meanwhile
gate = Gate(); with proxy.trouble(Trouble("PUT .*/report/", gate, times=1)):
    gate.reached.wait()                                   somebody is about to write that, and waits
    gate.open.set()                                       and now it goes on
"""

import http.client
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

HELD = 170.0  # seconds that a gate keeps somebody at most
_HOP = {"connection", "keep-alive", "transfer-encoding", "expect", "proxy-connection"}
_SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>"


@dataclass
class Trouble:
    """What happens to requests such as `PUT /bucket/key`, the first `times` of them or all."""

    pattern: str  # a regular expression
    happens: "Callable[[Exchange], None]"
    times: int | None = None
    met: int = field(default=0)  # how often it happened

    def meets(self, asked: str) -> bool:
        """Whether this request is one, which is then counted."""
        if (self.times is not None and self.met >= self.times) or not re.search(self.pattern, asked):
            return False
        self.met += 1
        return True


@dataclass
class Gate:
    """Holds who comes by until it is opened; `after`: their request was carried out, the answer waits.

    Who died meanwhile is not carried out: the request never arrived.
    """

    after: bool = False
    reached: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)

    def __call__(self, exchange: "Exchange") -> None:
        if self.after:
            answer = exchange.asked()
            self._hold()
            exchange.answered(*answer)
        else:
            self._hold()
            (exchange.hang_up if exchange.is_deserted() else exchange.passed_on)()

    def _hold(self) -> None:
        self.reached.set()
        self.open.wait(HELD)


def busy(exchange: "Exchange") -> None:
    """503 SlowDown, as a bucket answers that is asked too often."""
    exchange.answered(503, [("Content-Type", "application/xml")], _SLOW_DOWN)


def dropped(exchange: "Exchange") -> None:
    """The connection ends without an answer."""
    exchange.hang_up()


def answer_lost(exchange: "Exchange") -> None:
    """The request is carried out and the connection ends before the answer."""
    exchange.asked()
    exchange.hang_up()


def cut(exchange: "Exchange") -> None:
    """Half of what is sent arrives, then both sides are hung up on."""
    exchange.half_passed_on()
    exchange.hang_up()


def slow(seconds: float) -> "Callable[[Exchange], None]":
    """It takes so much longer."""

    def happens(exchange: "Exchange") -> None:
        time.sleep(seconds)
        exchange.passed_on()

    return happens


class Proxy(ThreadingHTTPServer):
    """On a free loopback port, before the server at `upstream`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.upstream = urlsplit(upstream).netloc
        self.troubles: list[Trouble] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The endpoint for those who are to meet trouble."""
        return f"http://127.0.0.1:{self.server_port}"

    @contextmanager
    def trouble(self, *troubles: Trouble) -> Iterator[None]:
        """Meanwhile."""
        with self._lock:
            self.troubles += troubles
        try:
            yield
        finally:
            with self._lock:
                self.troubles = [one for one in self.troubles if one not in troubles]

    def met(self, asked: str) -> Trouble | None:
        """The trouble that this request runs into."""
        with self._lock:
            return next((one for one in self.troubles if one.meets(asked)), None)

    def handle_error(self, *_: Any) -> None:
        """Who was killed has hung up: nothing to tell."""


class Exchange(BaseHTTPRequestHandler):
    """One connection; headers go through untouched, Host too, since it is signed."""

    server: Proxy
    protocol_version = "HTTP/1.1"

    def _met(self) -> None:
        self.body = self._read_body()
        trouble = self.server.met(f"{self.command} {unquote(self.path.partition('?')[0])}")
        (self.passed_on if trouble is None else lambda: trouble.happens(self))()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _met  # noqa: N815

    def passed_on(self) -> None:
        """As if nobody stood between."""
        self.answered(*self.asked())

    def asked(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body of the real server's answer."""
        upstream = self._begun()
        try:
            upstream.send(self.body)
            answer = upstream.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            upstream.close()

    def half_passed_on(self) -> None:
        """Send half of the body, and no more."""
        upstream = self._begun()
        with suppress(OSError):
            upstream.send(self.body[: len(self.body) // 2])
        upstream.close()

    def answered(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Tell whoever asked; they may be dead by now."""
        with suppress(OSError):
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in _HOP and (name.lower() != "content-length" or self.command == "HEAD"):
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    def hang_up(self) -> None:
        """No answer, and no more from this connection."""
        self.close_connection = True

    def is_deserted(self) -> bool:
        """Whether the other side is gone."""
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _begun(self) -> http.client.HTTPConnection:
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=120)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _HOP and name.lower() != "content-length":
                upstream.putheader(name, value)
        if self.body or self.command in {"PUT", "POST"}:
            upstream.putheader("Content-Length", str(len(self.body)))
        upstream.endheaders()
        return upstream

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def log_message(self, *_: Any) -> None:
        """Quiet."""
