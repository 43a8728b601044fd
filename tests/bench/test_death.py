"""How the death of a process is told."""

import signal

import pytest

from paper_kit.bench.death import how, of_a_worker


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-signal.SIGKILL, "was killed (signal 9), most often because memory ran out"),
        (-signal.SIGSEGV, "crashed (SIGSEGV)"),
        (-40, "crashed (signal 40)"),  # a real-time signal without a name
        (3, "left with exit code 3"),
        (None, "was gone"),
    ],
)
def test_every_exit_code_has_its_words(code, words):
    assert how(code) == words


def test_a_worker_that_died_says_what_to_type():
    killed = (
        "its worker was killed (signal 9), most often because memory ran out; try `paperkit run-all` with "
    )
    assert of_a_worker(-9, 3) == f"{killed}--jobs 2"
    assert of_a_worker(-9, 1) == f"{killed}a smaller micro_batch"
    assert of_a_worker(1, 2, "tune") == "its worker left with exit code 1; type `paperkit tune` to try again"
