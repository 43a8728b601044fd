"""The Ray executor, with a stand-in for Ray and an engine that needs no torch."""

import importlib
import os
import sys
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from paper_kit.bench import study
from paper_kit.bench.executors import _ray_cluster, _ray_fetch
from paper_kit.bench.executors import ray as ray_executor
from paper_kit.bench.executors._ray_cluster import largest
from paper_kit.bench.executors._ray_desk import Desk, Keeper
from paper_kit.bench.executors._ray_task import PATIENCE_S, _Heard, lease_name, unknown_job
from paper_kit.bench.progress import Note, Progress, never
from paper_kit.core import store as core_store
from paper_kit.core.errors import InputError, PaperkitError, StoreLost
from paper_kit.core.part import Part, complete
from paper_kit.core.spec import Resources
from paper_kit.core.store import RunState, Store
from tests.bench.fake_ray import FakeRay, RayError
from tests.bench.runs_elsewhere import a_run, after, ends, held, notes, too_early

HERE = Path(__file__).parent


@pytest.fixture
def ray(monkeypatch, tmp_path):
    """A fake Ray; what its tasks change of this process is as it was, afterwards."""
    found = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", found)
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setattr(ray_executor, "RUN", "fake_engine:run_one")
    monkeypatch.chdir(tmp_path)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    return found


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


def execute(store, *specs, should_stop=never, resources=None, prepare=lambda: None, **options):
    events = []
    asked = resources or Resources(device="cpu")
    ray_executor.execute(specs, store, asked, events.append, should_stop, prepare, **options)
    return events


def test_runs_are_trained_after_their_sources_with_the_asked_threads(ray, store):
    source, broken = a_run("broken", seed=1), a_run(seed=2)
    runs = [after(broken), after(source), broken, source]
    events = execute(store, *runs, cpus=2, retries=5)
    states = [RunState.DONE, RunState.BLOCKED, RunState.DONE, RunState.FAILED]
    assert ends(events) == dict(zip((run.id for run in runs), states, strict=True))
    assert store.reason(source.id) == "ValueError: the loss is not a number"
    assert store.file(broken.id, "order.json").read_text() < store.file(runs[0].id, "order.json").read_text()
    assert '"threads": "2"' in store.file(broken.id, "seen.json").read_text()
    task, desk = ray.asked
    assert task == {"num_cpus": 2, "num_gpus": 0.0, "max_retries": 5, "retry_exceptions": False}
    assert desk == {"num_cpus": 0, "scheduling_strategy": ("node1", False)}
    assert [event.epoch for event in events if isinstance(event, Progress)] == [1, 2] * 2
    assert f"{broken.id}: 2 of 2 epochs, 50.0 %" in (store.root / "logs" / f"ray-{broken.id}.log").read_text()
    assert not list((store.root / "logs").glob(".ray-*"))


def test_files_of_runs_come_back_where_nodes_do_not_see_their_folder(ray, store, tmp_path):
    source = a_run(seed=1)
    later = after(source)
    store.begin(later)
    store.file(later.id, "checkpoint.pt").write_bytes(b"half way")
    events = execute(store, later, source, shared=False, scratch=str(tmp_path / "node"))
    assert ends(events) == {source.id: RunState.DONE, later.id: RunState.DONE}
    assert {path.name for path in store.folder(later.id).iterdir()} == {
        "spec.json", "seen.json", "order.json", "record.json",
    }  # fmt: skip
    assert store.record(source.id).id == source.id
    assert "2 of 2 epochs" in (store.root / "logs" / f"ray-{source.id}.log").read_text()
    assert not list((tmp_path / "node").glob("*/run-*"))
    assert len(ray.asked) == 3
    assert (tmp_path / "node").joinpath(f"paperkit-{os.getuid()}").stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("ray")
def test_the_studys_own_plugins_go_with_runs_to_nodes_that_do_not_see_them(tmp_path, monkeypatch):
    own = tmp_path / "plugins" / "model"
    own.mkdir(parents=True)
    (tmp_path / "experiments").mkdir()
    (own / "mine.py").write_text("def build(num_classes, *, width: int = 3): ...")
    (own / "other.py").write_text("")
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "nets.py").write_text("def build(num_classes): ...")
    (tmp_path / "secret.txt").write_text("not a plug-in")
    runs = [a_run("mine"), a_run("lab.nets:build")]
    found = _ray_fetch.plugins_of(runs)
    assert [name for name, _ in found] == ["lab/nets.py", "plugins/model/mine.py", "plugins/model/other.py"]
    place = _ray_fetch.study_of(_ray_fetch.Away(str(tmp_path / "node"), found))
    assert (place / "lab" / "nets.py").read_text() == (tmp_path / "lab" / "nets.py").read_text()
    assert _ray_fetch.study_of(_ray_fetch.Away(str(tmp_path / "node"), found)) == place
    monkeypatch.chdir(place)
    assert _ray_fetch.study_root() == place


def test_a_folder_that_others_may_write_to_holds_no_runs(tmp_path):
    folder = tmp_path / f"paperkit-{os.getuid()}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    with pytest.raises(InputError, match=r"not closed to others.*scratch in \[resources.ray\]"):
        _ray_fetch.node_folder(str(tmp_path))


def test_who_stops_starts_no_run_and_keeps_what_was_done(ray, store):
    done, waiting = a_run(seed=1), a_run(seed=2)
    answers = iter([False])
    events = execute(store, done, waiting, should_stop=lambda: next(answers, True))
    assert ends(events) == {done.id: RunState.DONE}
    assert [force for _, force in ray.cancelled] == [False]
    assert store.state(waiting) is RunState.MISSING
    assert "can be resumed" in notes(events)


def test_a_run_that_began_is_told_to_stop():
    desk, event = Desk(), Note(text="x")
    assert [desk.begin("a"), desk.begin("a"), desk.begin("b")] == [1, 2, 1]
    desk.hear(event)
    assert notes(desk.news()) == "Run a lost its worker, and goes on / x"
    assert desk.news() == []
    assert not desk.stopping()
    assert set(desk.stop()) == {"a", "b"}
    assert desk.stopping()
    assert desk.begin("c") == 0


def test_a_run_that_did_not_ask_for_long_goes_on_and_one_whose_desk_does_not_answer_stops():
    asked = []

    def remote():
        asked.append(Future())
        return SimpleNamespace(future=lambda: asked[-1])

    told = _Heard(SimpleNamespace(stopping=SimpleNamespace(remote=remote)))
    told._asked -= PATIENCE_S + 1  # the run was busy, and asked nothing
    assert not told.should_stop()
    asked[0].set_result(False)
    told._asked -= PATIENCE_S + 1
    assert not told.should_stop()
    assert len(asked) == 2
    told._asked -= PATIENCE_S + 1
    assert told.should_stop()


@pytest.mark.usefixtures("ray")
def test_a_run_that_another_process_has_is_left_to_it_with_what_waits_for_it(store):
    source, free = a_run(seed=1), a_run(seed=2)
    later = after(source)
    with store.lease(source.id):
        for shared in (True, False):
            events = execute(store, source, later, free, shared=shared, scratch=str(store.root.parent / "n"))
            running = dict.fromkeys([source.id, later.id], RunState.RUNNING)
            assert ends(events) == running | {free.id: RunState.DONE}


def test_jobs_given_on_the_command_line_limit_how_many_are_at_work(ray, store, monkeypatch):
    most, wait = [], ray.wait

    def waited(refs, **options):
        most.append(len(refs))
        return wait(refs, **options)

    monkeypatch.setattr(ray, "wait", waited)
    execute(store, *(a_run(seed=seed) for seed in range(5)), resources=Resources(device="cpu", jobs=2))
    assert max(most) == 2


@pytest.mark.usefixtures("ray")
def test_a_run_whose_workers_died_fails_with_what_to_type_and_its_lease_is_free(store, monkeypatch):
    spec = a_run()

    def die(*_):
        held(store, spec, lease_name())
        raise RayError("worker died")

    monkeypatch.setattr(ray_executor, "work", die)
    events = execute(store, spec, retries=1)
    assert ends(events) == {spec.id: RunState.FAILED}
    assert store.reason(spec.id).startswith("its worker died 2 times, most often because memory ran out")
    assert "paperkit run-all --executor ray" in store.reason(spec.id)
    assert not store.leased(spec.id)


def test_a_run_that_does_not_stop_in_time_is_killed_and_can_be_resumed(ray, store, monkeypatch):
    spec, wait, answers = a_run(), ray.wait, iter([False])

    def die(*_):
        held(store, spec, lease_name())
        raise RayError("worker was killed")

    def waited(refs, **options):  # it works until it is killed
        return wait(refs, **options) if (refs[0], True) in ray.cancelled else ([], refs)

    monkeypatch.setattr(ray, "wait", waited)
    monkeypatch.setattr(ray_executor, "work", die)
    monkeypatch.setattr(ray_executor, "SAVING_S", 0.0)
    monkeypatch.setattr(Desk, "stop", lambda _: (spec.id,))
    events = execute(store, spec, should_stop=lambda: next(answers, True))
    assert ends(events) == {spec.id: RunState.PARTIAL}
    assert store.state(spec) is RunState.PARTIAL
    assert not store.leased(spec.id)


@pytest.mark.usefixtures("ray")
def test_a_run_that_ray_tries_without_end_is_given_up(store, monkeypatch):
    monkeypatch.setattr(Desk, "begin", lambda *_: 3)
    spec = a_run()
    assert ends(execute(store, spec, retries=1)) == {spec.id: RunState.FAILED}
    assert "its worker died 2 times" in store.reason(spec.id)


@pytest.mark.usefixtures("ray")
def test_a_node_that_does_not_see_the_folder_of_runs_is_named_with_the_option_to_set(store, monkeypatch):
    monkeypatch.setattr(Path, "touch", lambda _: None)
    with pytest.raises(InputError, match=r"does not see this folder of runs. Set shared = false"):
        execute(store, a_run())


@pytest.mark.usefixtures("ray")
@pytest.mark.parametrize("shared", [True, False])
def test_a_store_that_cannot_be_written_ends_the_execution(store, tmp_path, monkeypatch, shared):
    spec = a_run("good" if not shared else "full")
    monkeypatch.setattr(Keeper, "write", lambda *_: (f"{store.root}: No space left on device", True))
    if shared:
        engine = SimpleNamespace(run_one=full(store))
        monkeypatch.setitem(sys.modules, "full_engine", engine)
        monkeypatch.setattr(ray_executor, "RUN", "full_engine:run_one")
    with pytest.raises(StoreLost, match="No space left on device"):
        execute(store, spec, shared=shared, scratch=str(tmp_path / "node"))
    assert not store.leased(spec.id)


def full(store):
    def run_one(*_, **__):
        raise StoreLost(f"{store.root}: No space left on device")

    return run_one


def test_what_a_worker_sends_is_kept_until_another_one_has_its_run(store):
    keeper, spec = Keeper(store.root), a_run()
    assert keeper.open(spec, "one") == ()
    assert store.leased(spec.id)
    assert Keeper(store.root).open(spec, "other driver") is None
    for text in ("first", "second"):
        assert keeper.write(spec.id, "one", f"{spec.id}/checkpoint.pt", data(text)) == ("", False)
    assert keeper.open(spec, "two") == (f"{spec.id}/checkpoint.before.pt", f"{spec.id}/checkpoint.pt")
    assert keeper.read(f"{spec.id}/checkpoint.pt").tobytes() == b"second"
    assert keeper.read(f"{spec.id}/checkpoint.before.pt").tobytes() == b"first"
    refused = keeper.write(spec.id, "one", f"{spec.id}/checkpoint.pt", data("late"))
    assert refused == ("another worker has the run", False)
    keeper.close(spec.id, "one")
    assert store.leased(spec.id)
    assert keeper.write(spec.id, "two", f"{spec.id}/record.json", data("{}")) == ("", False)
    keeper.close(spec.id, "two")
    assert [path.name for path in store.folder(spec.id).iterdir()] == ["record.json"]


def test_a_record_that_was_sent_outlives_a_loss_of_power_as_one_of_this_machine_does(store, monkeypatch):
    keeper, spec, seen = Keeper(store.root), a_run(), []
    keeper.open(spec, "one")
    record = store.file(spec.id, "record.json")
    monkeypatch.setattr(core_store, "synced", lambda folder: seen.append((folder.name, record.is_file())))
    keeper.write(spec.id, "one", f"{spec.id}/record.json", data("{}"))
    assert seen == [(spec.id, False), (spec.id, True)]  # what it speaks of, then its own name
    keeper.close(spec.id)


def data(text):
    return np.frombuffer(text.encode(), np.uint8)


def test_a_lease_is_taken_away_where_the_node_of_its_task_is_gone(ray, store):
    spec, name = a_run(), lease_name()
    assert name == "ray:session_1/node1/task0"
    assert not unknown_job(name)
    assert unknown_job("ray:session_1/node2/task0")
    assert not unknown_job("ray:session_2/node2/task0")  # of another cluster
    assert not unknown_job("slurm:17@0")
    held(store, spec, "ray:session_1/node2/task0")
    assert ends(execute(store, spec)) == {spec.id: RunState.DONE}
    ray.alive = False
    assert unknown_job(name)


def test_a_task_that_is_tried_again_takes_over_what_its_first_worker_had(ray, store):
    spec = a_run()
    held(store, spec, "ray:session_1/node1/task1")  # the first call is the run's task
    assert ends(execute(store, spec)) == {spec.id: RunState.DONE}
    assert ray.number > 1


@pytest.mark.usefixtures("ray")
def test_numbers_that_no_run_can_have_are_all_named(store):
    with pytest.raises(InputError) as error:
        execute(store, a_run(), cpus=0, retries=-1, gpus=1.5)
    assert [problem.split(":")[0] for problem in error.value.problems] == [
        "[resources.ray] cpus = 0",
        "[resources.ray] retries = -1",
        "[resources.ray] gpus = 1.5",
    ]
    with pytest.raises(InputError, match=r"\[resources.ray\] gpus = 0; set 1, or a part of one"):
        execute(store, a_run(), resources=Resources(device="cuda"))


def test_what_no_node_has_is_an_error_here_and_waited_for_in_a_cluster_that_may_grow(ray, store):
    with pytest.raises(InputError, match="asks for 3 CPUs; no node of the cluster has more than 2 CPUs"):
        execute(store, a_run(), cpus=3)
    ray.resources["CPU"] = 4
    ray.resources["GPU"] = 2
    told = notes(execute(store, a_run(), resources=Resources(), address="auto", cpus=5))
    assert "no node of the cluster has more than 4 CPUs. Runs wait until one joins" in told
    assert "No run asks for one of the 2 GPUs" in told
    assert "Costs are measured on a node" in told
    nodes = [{"Alive": True, "Resources": {"CPU": 8}}, {"Alive": False, "Resources": {"CPU": 8, "GPU": 1}}]
    assert largest(nodes, {"CPU": 1, "GPU": 0.5}) == (
        "A run asks for 1 CPUs, 0.5 GPUs; no node of the cluster has more than 8 CPUs, 0 GPUs."
    )


def test_without_ray_the_error_says_what_to_install_before_data_are_decoded(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'paper-kit\[ray\]'"):
        execute(store, a_run(), prepare=too_early)


@pytest.mark.usefixtures("ray")
def test_a_run_that_asks_for_more_gpus_than_it_is_given_is_refused_before_data_are_decoded(store):
    with pytest.raises(InputError, match=r"\[resources.ray\] .* gpus = 1 a run. Set gpus = 2"):
        execute(store, a_run(), resources=Resources(devices=2), gpus=1, prepare=too_early)


def test_an_address_where_nothing_answers_is_named(store, monkeypatch):
    def init(**options):
        raise ConnectionError(f"Could not find {options['address']}\nmore")

    closed = []
    monkeypatch.setitem(
        sys.modules,
        "ray",
        SimpleNamespace(is_initialized=lambda: False, init=init, shutdown=lambda: closed.append(1)),
    )
    with pytest.raises(InputError, match=r"address = 'auto': no Ray cluster answers \(Could not find auto\)"):
        execute(store, a_run(), address="auto")
    with pytest.raises(InputError, match=r"Log in to a node of the cluster and set address = \"auto\""):
        execute(store, a_run(), address="ray://head:10001")
    with pytest.raises(InputError, match=r"address = 'head': expected \"auto\", or a host and its port"):
        execute(store, a_run(), address="head")
    with pytest.raises(InputError, match=r"no Ray cluster answers \(.*refused\)"):
        execute(store, a_run(), address="127.0.0.1:1")
    _ray_cluster._token.cache_clear()
    with pytest.raises(InputError, match=r"Call ray.init\(\), and that cluster is used"):
        execute(store, a_run())


@pytest.mark.usefixtures("ray")
def test_a_cluster_that_does_not_answer_ends_the_execution_with_what_to_type(store, monkeypatch):
    def gone(*_):
        raise RayError("gone")

    monkeypatch.setattr(Desk, "news", gone)
    with pytest.raises(PaperkitError, match=r"does not answer.*goes on from the last checkpoints"):
        execute(store, a_run())


def test_costs_are_measured_where_the_cluster_is_of_this_machine():
    for table, here in (({}, True), ({"address": "auto"}, False)):
        part = complete("executor", Part(name="ray", arguments=table))
        assert study._on_this_machine(part) is here
    assert not study._on_this_machine(complete("executor", Part(name="slurm")))
    assert study._on_this_machine(study.LOCAL)


def test_the_executor_is_loaded_without_ray(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in ("_ray_cluster", "_ray_desk", "_ray_task", "_ray_fetch", "ray"):
        assert importlib.import_module(f"paper_kit.bench.executors.{name}")
