"""A Ray cluster to work in: one of this machine's own, closed to everybody else, or one that runs already."""

from __future__ import annotations

import importlib
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from paper_kit.bench.machine import cores
from paper_kit.core.errors import InputError

LACKING = "--executor ray needs ray: pip install 'paper-kit[ray]'."
ROUTE = "Change [resources.ray] in paperkit.local.toml."
PREFIX = "paperkit-ray-"  # of the folder of a cluster
ANSWER_S = 5.0  # so long may the head of a cluster take to accept a connection
SHORT = Path("/tmp")  # names of Unix sockets have at most 107 signs, and Ray needs some 75 of them
UNITS = {"CPU": "CPUs", "GPU": "GPUs", "memory": "bytes of memory"}


@contextmanager
def cluster(address: str, gpus: int) -> Iterator[Any]:
    """The module ray, connected: to a cluster with so many GPUs that is started and ended here, where the
    address is empty. InputError where Ray is not installed, or nothing answers at the address."""
    late = "ray" in sys.modules and not _token.cache_info().currsize
    with _settings(_silent() if address else _silent() | _closed()):
        ray = _ray()
        if ray.is_initialized():  # by the program that calls; the connection is its own
            yield ray
        elif address:
            yield from _connected(ray, address)
        elif late:  # it reads how it is closed to others when it is imported
            raise InputError("Ray was imported before. Call ray.init(), and that cluster is used.")
        else:
            yield from _started(ray, gpus)


def largest(nodes: Sequence[Mapping[str, Any]], wanted: Mapping[str, float]) -> str:
    """What is wrong where no node has all that is wanted, in a sentence; empty where one has."""
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    if any(all(node.get(name, 0) >= number for name, number in wanted.items()) for node in alive):
        return ""
    asked = ", ".join(f"{number:g} {UNITS[name]}" for name, number in wanted.items() if number)
    most = {name: max((node.get(name, 0) for node in alive), default=0) for name in wanted}
    found = ", ".join(f"{number:g} {UNITS[name]}" for name, number in most.items() if wanted[name])
    return f"A run asks for {asked}; no node of the cluster has more than {found}."


def _ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise InputError(LACKING) from None


def _connected(ray: Any, address: str) -> Iterator[Any]:
    if "://" in address:
        raise InputError(
            f"[resources.ray] address = {address!r}: a client has no part in the store. Log in to a node of "
            'the cluster and set address = "auto".'
        )
    host, _, port = address.rpartition(":")
    if address != "auto" and not (host and port.isdigit()):
        raise InputError(
            f'[resources.ray] address = {address!r}: expected "auto", or a host and its port, such as '
            '"10.0.0.1:6379".'
        )
    try:
        if address != "auto":  # Ray itself tries for minutes
            socket.create_connection((host.strip("[]"), int(port)), ANSWER_S).close()
        with _same_signals():
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError, OverflowError) as error:
        told = str(error).partition("\n")[0].rstrip(".")
        raise InputError(
            f"[resources.ray] address = {address!r}: no Ray cluster answers ({told}). Start one with `ray "
            "start --head`, or leave the address empty for one of this machine."
        ) from None
    try:
        yield ray
    finally:
        with _same_signals():
            ray.shutdown()


def _started(ray: Any, gpus: int) -> Iterator[Any]:
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=SHORT if SHORT.is_dir() else None)  # closed to others
    try:
        with _same_signals():
            ray.init(
                address="local",
                num_cpus=cores(),
                num_gpus=gpus,
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
                _temp_dir=str(Path(folder) / "ray"),  # Ray itself opens its folder to all
            )
        yield ray
    finally:
        with _same_signals():
            ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _silent() -> dict[str, str]:
    """Environment variables of a driver that reports to nobody, and prints nothing of its cluster's."""
    return {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}


def _closed() -> dict[str, str]:
    """Environment variables of a cluster that nobody else can reach."""
    return {
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # the name is history: it makes all listen on loopback only
        "RAY_AUTH_MODE": "token",  # other users of this machine reach loopback, too
        "RAY_AUTH_TOKEN": _token(),
    }


@cache
def _token() -> str:
    """The secret of this process's clusters; Ray remembers the first that it sees."""
    return secrets.token_hex(32)


@contextmanager
def _settings(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


@contextmanager
def _same_signals() -> Iterator[None]:
    """A block in which Ray may set what SIGTERM does; it does what it did before, afterwards."""
    here = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, here)
