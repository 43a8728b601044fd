"""From the first run to the last: whoever trains them is given work, heard, and in the end asked to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from paper_kit.bench.progress import Ended, Event, Note, Progress, Report, ShouldStop
from paper_kit.bench.schedule import Schedule
from paper_kit.core.errors import StoreLost
from paper_kit.core.store import RunState

LISTEN_S = 0.5


class Crew(Protocol):
    """Whoever trains runs: the workers of this machine, the tasks in a cluster."""

    @property
    def stopping(self) -> bool:
        """Whether no run starts any more."""

    def employ(self, schedule: Schedule, /) -> None:
        """Nothing; whoever is free got the next runs."""

    def ask_to_stop(self, schedule: Schedule, /) -> None:
        """Nothing; runs at work are saved and stop."""

    def listen(self, seconds: float) -> Iterator[Event]:
        """What runs say within some seconds."""


def follow(
    schedule: Schedule,
    crew: Crew,
    report: Report,
    should_stop: ShouldStop,
    heard: Callable[[Event], bool] = lambda _event: False,
) -> None:
    """Nothing; no run waits or works any more, or it is time to stop and those at work have stopped.

    What `heard` says that it has dealt with goes no further. StoreLost where an event says so.
    """
    while schedule.waiting or schedule.working:
        if should_stop() and not crew.stopping:
            report(Note(text="Stopping; what is left can be resumed"))
            crew.ask_to_stop(schedule)
        if not crew.stopping:
            crew.employ(schedule)
        if not schedule.working:
            return
        for event in crew.listen(LISTEN_S):
            if not heard(event):
                _heed(event, schedule, report)


def _heed(event: Event, schedule: Schedule, report: Report) -> None:
    """Nothing; the schedule learns from what a run says, and who watches hears of it and of what it blocks.

    StoreLost where the event says so.
    """
    report(event)
    if isinstance(event, Ended) and event.lost:
        raise StoreLost(event.reason)
    if isinstance(event, Progress) and event.run_id in schedule.working:
        schedule.pace.learn(schedule.working[event.run_id], event.epoch_seconds)
    if isinstance(event, Ended):
        for lost in schedule.end(event.run_id, event.state):
            if event.state is RunState.FAILED:
                reason = f"its source run {event.run_id} failed"
                report(Ended(run_id=lost.id, state=RunState.BLOCKED, reason=reason))
            elif event.state is RunState.RUNNING:
                report(Ended(run_id=lost.id, state=RunState.RUNNING))
