"""What of this machine and its user is never written into a record or a log: secrets, names, home paths."""

from __future__ import annotations

import io
import os
import re
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

SECRET = re.compile(
    r"TOKEN|SECRET|PASS|PWD$|CREDENTIAL|COOKIE|SESSION|PRIVATE|SIGNATURE|AUTH|(^|_)(API)?_?KEY|_URL$|_URI$|_DSN$|_PAT$",
    re.IGNORECASE,
)
SHORTEST_SECRET = 6  # characters; "true" and "1" stand everywhere
SHORTEST_NAME = 3
EVERYWHERE = frozenset(  # names that say nothing of anybody, and stand in ordinary sentences
    {"root", "user", "users", "admin", "ubuntu", "debian", "docker", "runner", "nobody", "home", "localhost"}
)


def without_private(text: str, environment: Mapping[str, str] | None = None) -> str:
    """The text without the values of secret environment variables, the home folder, and user and host names.

    Each is replaced by what it was: [NAME] of a variable, ~, [user], [host].
    """
    for found, shown in _private(os.environ if environment is None else environment):
        text = found.sub(lambda _, shown=shown: shown, text)  # type: ignore[misc]  # bound in the loop
    return text


def _private(environment: Mapping[str, str]) -> Iterator[tuple[re.Pattern[str], str]]:
    """What to replace, and by what; longer values before those that they hold."""
    secrets = {
        value: f"[{name}]"
        for name, value in environment.items()
        if SECRET.search(name) and len(value) >= SHORTEST_SECRET and not _is_folder(value)
    }
    for value in sorted(secrets, key=len, reverse=True):
        yield re.compile(re.escape(value)), secrets[value]
    for home in sorted(
        {environment.get("HOME", ""), environment.get("USERPROFILE", "")}, key=len, reverse=True
    ):
        if len(home) >= SHORTEST_NAME:
            yield re.compile(re.escape(home.rstrip("/\\")) + r"(?![\w.-])"), "~"
    users = {environment.get(name, "") for name in ("USER", "LOGNAME", "USERNAME")}
    for name in sorted(users | {Path(environment.get("HOME", "")).name}):
        if _tells(name):
            yield _word(name), "[user]"
    host = socket.gethostname()
    for name in (host, host.partition(".")[0]):
        if _tells(name):
            yield _word(name), "[host]"


def _is_folder(value: str) -> bool:
    """Whether a value is a path, as those of PWD and SSH_AUTH_SOCK are, and no secret that begins so."""
    if not value.startswith(("/", "~", ".")):
        return False
    return os.path.exists(os.path.expanduser(value))  # noqa: PTH110, PTH111  (those of Path may raise)


def _tells(name: str) -> bool:
    return len(name) >= SHORTEST_NAME and name.lower() not in EVERYWHERE


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")


class PrivateText(io.TextIOBase):
    """A stream that writes each text to a file descriptor, without what is private."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held = ""

    def write(self, text: str) -> int:
        """The length of the text; whole lines are written at once, the rest when it is whole or flushed."""
        lines, newline, self._held = f"{self._held}{text}".rpartition("\n")
        self._put(lines + newline)
        return len(text)

    def flush(self) -> None:
        """Nothing; what was held back is written."""
        self._put(self._held)
        self._held = ""

    def fileno(self) -> int:
        """The file descriptor, for programs that are started."""
        return self._descriptor

    def writable(self) -> bool:
        return True

    def _put(self, text: str) -> None:
        data = without_private(text).encode(errors="backslashreplace")
        while data:
            data = data[os.write(self._descriptor, data) :]


def private_streams() -> None:
    """Nothing; what this process prints from now on goes through PrivateText."""
    sys.stdout, sys.stderr = PrivateText(1), PrivateText(2)
