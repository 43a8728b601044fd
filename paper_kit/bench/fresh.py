"""Fresh processes that answer questions, so that what is measured is not this one's doing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from paper_kit.bench.executors._worker import function_of, write_to
from paper_kit.bench.progress import ShouldStop
from paper_kit.core.errors import PaperkitError

FAREWELL_S = 3.0
LOOK_S = 0.5  # between two looks at whether to stop


class Team:
    """Processes, each with its own environment, that call "module:function" with what they are asked.

    Nothing of torch is loaded here. Used as a context, at whose end none is alive.
    """

    def __init__(self, function: str, environments: Sequence[dict[str, str]], log: Path) -> None:
        self._started = time.monotonic()
        self._log = log.absolute()
        self._members = [_start(function, variables, self._log) for variables in environments]

    def __enter__(self) -> Team:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, connection in self._members:
            connection.close()  # which ends what waits for a question
        for number in range(len(self._members)):
            self.dismiss(number, FAREWELL_S)

    def ready(self) -> float:
        """Seconds from the start of the processes until all have loaded their libraries."""
        for number in range(len(self._members)):
            self._heard(number)
        return time.monotonic() - self._started

    def ask(self, questions: Sequence[tuple[Any, ...]]) -> list[Any]:
        """An answer for each question, one to a process; all work at the same time.

        An answer is what the function gave back, or a PaperkitError where it raised something.
        """
        for (_, connection), question in zip(self._members, questions, strict=False):
            connection.send(question)
        return [self._heard(number) for number in range(len(questions))]

    def ask_one(self, number: int, question: tuple[Any, ...], should_stop: ShouldStop) -> Any:
        """The answer of one process while the others wait; None where `should_stop` came first."""
        connection = self._members[number][1]
        with suppress(OSError):  # it died, and is heard of below
            connection.send(question)
        while not connection.poll(LOOK_S):
            if should_stop():
                return None
        return self._heard(number)

    def dismiss(self, number: int, seconds: float = 0.0) -> None:
        """Nothing; a process that is asked no more is gone, and its memory free.

        In so many seconds it may end what compiles for it; what measures costs has nothing to lose.
        """
        process, connection = self._members[number]
        process.join(seconds)
        process.kill()
        process.join()
        connection.close()

    def _heard(self, number: int) -> Any:
        process, connection = self._members[number]
        try:
            return connection.recv()
        except EOFError:
            process.join()
            raise PaperkitError(
                f"A measuring process died (exit code {process.exitcode}), most often because memory ran "
                f"out; try fewer --jobs. Its last words are in {self._log}."
            ) from None


def _start(function: str, variables: dict[str, str], log: Path) -> tuple[Any, Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, function, variables, log), name="paperkit-probe")
    process.start()
    theirs.close()
    return process, ours


def _work(connection: Connection, function: str, variables: dict[str, str], log: Path) -> None:
    """Nothing; answers in the fresh process until its other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    write_to(log)
    os.environ.update(variables)
    call = function_of(function)
    connection.send("ready")
    while True:
        try:
            question = connection.recv()
        except EOFError:
            return
        try:
            answer = call(*question)
        except Exception as error:
            traceback.print_exc()
            known = isinstance(error, PaperkitError)
            said = str(error) if known else f"{type(error).__name__}: {error}"
            answer = PaperkitError(said.strip().partition("\n")[0])
        connection.send(answer)
