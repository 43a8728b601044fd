"""The page of `paperkit watch`, served to this machine alone, and there to whoever was told its address.

Other users of the machine can reach the port, and so can pages of other sites in the browser. Neither knows
the token that begins each path, and names and origins other than this server's own are refused.
"""

from __future__ import annotations

import json
import re
import secrets
import subprocess
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from paper_kit.core.errors import InputError
from paper_kit.render.supplement import PAPER, SUPPLEMENT
from paper_kit.render.watch.board import Board, Leaf, as_json

HOST = "127.0.0.1"
TOKEN_BYTES = 24
HEARTBEAT_S = 10.0
NARROWEST, WIDEST, STEP = 200, 3200, 200  # pixels that a page is drawn in
KEPT = 80  # pages in memory
STATIC = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LEAF = re.compile(r"/leaf/([0-9a-f]{64})\.png")


class Server(ThreadingHTTPServer):
    """Serves a board and the pages of a build folder; InputError where the port is taken."""

    daemon_threads = True

    def __init__(self, port: int, folder: Path, board: Board) -> None:
        self.folder, self.board = folder, board
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            raise InputError(
                f"Port {port} cannot be had ({error.strerror}): a watch may run. Type --port {port + 1}."
            ) from None

    @property
    def address(self) -> str:
        """Where the browser finds it; whoever has this text can read the paper."""
        return f"http://{HOST}:{self.server_address[1]}/{self.token}/"

    def knows(self, host: str, origin: str, site: str) -> bool:
        """Whether a request with these headers Host, Origin and Sec-Fetch-Site can be one of our page's."""
        port = self.server_address[1]
        own = {f"{HOST}:{port}", f"localhost:{port}"}
        return host in own and origin in {"", f"http://{host}"} and site in {"", "same-origin", "none"}


class Handler(BaseHTTPRequestHandler):
    """Answers GET alone, by names of this machine, to who knows the token: no other site reads the paper."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Nothing; the answer is written."""
        told = [self.headers.get(name, "") for name in ("Host", "Origin", "Sec-Fetch-Site")]
        path, _, query = self.path.partition("?")
        token, _, rest = path.removeprefix("/").partition("/")
        if not self.server.knows(*told):
            self._answer(HTTPStatus.FORBIDDEN, b"only for this machine", "text/plain")
        elif not secrets.compare_digest(token.encode(), self.server.token.encode()):
            self._answer(HTTPStatus.FORBIDDEN, b"open the address that paperkit watch printed", "text/plain")
        else:
            self._known(f"/{rest}", query)

    def _known(self, path: str, query: str) -> None:
        """Nothing; answers who knows the token."""
        if path in STATIC:
            name, kind = STATIC[path]
            self._answer(HTTPStatus.OK, _asset(name), kind)
        elif path == "/events":
            self._events()
        elif path in (f"/{PAPER}", f"/{SUPPLEMENT}"):
            self._file(self.server.folder / path[1:], "application/pdf")
        elif found := _LEAF.fullmatch(path):
            self._leaf(found[1], parse_qs(query).get("width", [""])[0])
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"not found", "text/plain")

    def _events(self) -> None:
        """Each state as a server-sent event; a comment now and then shows whether somebody still listens."""
        self.send_response(HTTPStatus.OK)
        for name, value in (("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")):
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        version = -1
        try:
            while True:
                state = self.server.board.after(version, HEARTBEAT_S)
                news = state.version > version
                data = json.dumps(as_json(state), ensure_ascii=False)
                self.wfile.write(f"data: {data}\n\n".encode() if news else b": still here\n\n")
                self.wfile.flush()
                version = state.version
        except (BrokenPipeError, ConnectionResetError):
            return

    def _leaf(self, digest: str, width: str) -> None:
        leaf = next((each for each in self.server.board.state.leaves if each.digest == digest), None)
        if leaf is None:
            return self._answer(HTTPStatus.NOT_FOUND, b"that page has changed", "text/plain")
        pixels = int(width) if width.isascii() and width.isdigit() and len(width) < 6 else WIDEST // 2
        pixels = min(WIDEST, max(NARROWEST, -(-pixels // STEP) * STEP))
        try:
            data = _picture(self.server.folder, leaf, pixels)
        except (subprocess.CalledProcessError, OSError):  # the PDF went away, or poppler is missing
            return self._answer(HTTPStatus.NOT_FOUND, b"that page cannot be drawn", "text/plain")
        return self._answer(HTTPStatus.OK, data, "image/png", cache="max-age=86400, immutable")

    def _file(self, path: Path, kind: str) -> None:
        if path.is_file():
            self._answer(HTTPStatus.OK, path.read_bytes(), kind)
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"not built yet", "text/plain")

    def _answer(self, status: HTTPStatus, body: bytes, kind: str, cache: str = "no-store") -> None:
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": cache,
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",  # the address holds the token
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        try:
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            return

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal is for the builds."""


def _asset(name: str) -> bytes:
    return (files("paper_kit.render.watch") / name).read_bytes()


@lru_cache(maxsize=KEPT)
def _picture(folder: Path, leaf: Leaf, pixels: int) -> bytes:
    """A page as PNG, `pixels` wide; the leaf's digest tells one build's page from another's."""
    size = ["-scale-to-x", str(pixels), "-scale-to-y", "-1"]
    number = str(leaf.number)
    command = ["pdftoppm", "-png", "-f", number, "-l", number, *size, str(folder / leaf.pdf)]
    return subprocess.run(command, capture_output=True, check=True).stdout
