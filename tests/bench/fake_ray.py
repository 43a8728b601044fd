"""A stand-in for the module ray: tasks are called when they are waited for, actors at once."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace

NODE, SESSION = "node1", "session_1"


class RayError(Exception):
    """As ray.exceptions.RayError."""


class RayTaskError(RayError):
    """As ray.exceptions.RayTaskError: a task raised."""

    def __init__(self, cause):
        super().__init__(f"Traceback\n{type(cause).__name__}: {cause}")
        self.cause = cause


class TaskCancelledError(RayError):
    """As ray.exceptions.TaskCancelledError."""


class Ref:
    """What a call will come to."""

    def __init__(self, call, number):
        self._call = call
        self._number = number
        self._answer = None

    def future(self):
        if self._answer is None:
            self._answer = Future()
            try:
                self._answer.set_result(self._call())
            except RayError as error:
                self._answer.set_exception(error)
            except Exception as error:
                self._answer.set_exception(RayTaskError(error))
        return self._answer

    def task_id(self):
        return SimpleNamespace(hex=lambda: f"task{self._number}")


class Call:
    """A task, or a method of an actor."""

    def __init__(self, ray, call, at_once):
        self._ray = ray
        self._call = call
        self._at_once = at_once

    def remote(self, *arguments):
        self._ray.number += 1
        number = self._ray.number

        def called():
            self._ray.task = self._ray.task if self._at_once else number
            return self._call(*arguments)

        ref = Ref(called, number)
        if self._at_once:
            ref.future()
        return ref


class Actor:
    """A handle of an actor."""

    def __init__(self, ray, found):
        self._ray = ray
        self._found = found

    def __getattr__(self, name):
        return Call(self._ray, getattr(self._found, name), at_once=True)


class FakeRay:
    """One connected cluster of one node."""

    def __init__(self, **resources):
        self.number = self.task = 0
        self.asked = []  # options of tasks and actors
        self.cancelled = []
        self.resources = {"CPU": 2.0, "memory": 2.0**33, **resources}
        self.alive = True
        self.exceptions = SimpleNamespace(
            RayError=RayError, RayTaskError=RayTaskError, TaskCancelledError=TaskCancelledError
        )
        affinity = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: (node, soft))
        self.util = SimpleNamespace(scheduling_strategies=affinity)

    def is_initialized(self):
        return True

    def nodes(self):
        return [{"NodeID": NODE, "Alive": self.alive, "Resources": self.resources}]

    def cluster_resources(self):
        return self.resources

    def get_runtime_context(self):
        return SimpleNamespace(
            get_node_id=lambda: NODE,
            get_session_name=lambda: SESSION,
            get_task_id=lambda: f"task{self.task}",
        )

    def remote(self, **options):
        self.asked.append(options)

        def of(found):
            if isinstance(found, type):
                return SimpleNamespace(remote=lambda *given: Actor(self, found(*given)))
            return Call(self, found, at_once=False)

        return of

    def put(self, value):
        return value

    def wait(self, refs, num_returns=1, timeout=None):
        del num_returns, timeout
        refs[0].future()  # one run at a time, in the order in which they were given
        done = [ref for ref in refs if ref._answer is not None]
        return done, [ref for ref in refs if ref not in done]

    def get(self, ref, timeout=None):
        del timeout
        return ref.future().result()

    def cancel(self, ref, force=False):
        self.cancelled.append((ref, force))
