"""The Slurm executor, with stand-ins for Slurm's commands and an engine that needs no torch."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from paper_kit.bench import study
from paper_kit.bench.elsewhere import signs_of_life
from paper_kit.bench.executors import _slurm_watch, slurm
from paper_kit.bench.executors._slurm_job import Job
from paper_kit.bench.executors._slurm_waves import waves
from paper_kit.bench.progress import Ended, Progress, never
from paper_kit.core import slurm as core_slurm
from paper_kit.core.errors import InputError, PaperkitError
from paper_kit.core.files import write_json
from paper_kit.core.part import Part
from paper_kit.core.slurm import (
    ask_queue,
    in_queue,
    lease_name,
    log_of,
    submitted,
    unknown_job,
    write_submission,
)
from paper_kit.core.spec import Resources
from paper_kit.core.store import RunState, Store
from tests.bench.fake_slurm import FakeSlurm
from tests.bench.runs_elsewhere import a_run, after, held, notes, too_early

FAKES = Path(__file__).parent
ROOT = FAKES.parents[1]


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    found = FakeSlurm(tmp_path / "bin")
    monkeypatch.setenv("PATH", found.path)
    monkeypatch.setattr(_slurm_watch, "LOOK_S", 0.01)
    monkeypatch.setattr(_slurm_watch, "QUEUE_S", 0.0)
    monkeypatch.setattr(core_slurm, "RECENT_S", 1e-6)
    monkeypatch.setattr(slurm, "RUN", "fake_engine:run_one")
    return found


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


def execute(store, *specs, should_stop=never, resources=None, prepare=lambda: None, **options):
    events = []
    asked = resources or Resources(device="cpu")
    slurm.execute(specs, store, asked, events.append, should_stop, prepare, **options)
    return events


def finish(store, spec):
    write_json(store.file(spec.id, "record.json"), {})


def test_each_array_depends_on_that_of_its_sources_place_by_place(store):
    one, two, alone = a_run(seed=1), a_run(seed=2), a_run(seed=3)
    of_one, of_two = [after(one, seed=seed) for seed in (4, 5)], [after(two, seed=6)]
    found, stuck = waves([alone, *of_one, *of_two, two, one], store, {}, size=100)
    assert stuck == frozenset()
    wanted = [(one, two, alone), (of_one[0], of_two[0]), (of_one[1],)]
    assert [wave.runs for wave in found] == [tuple(spec.id for spec in specs) for specs in wanted]
    jobs = {one.id: "17_0", two.id: "17_1", alone.id: "17_2"}
    assert [wave.dependency(jobs) for wave in found] == ["", "aftercorr:17", "afterok:17_0"]


def test_arrays_are_no_larger_than_the_cluster_takes(store):
    sources = [a_run(seed=seed) for seed in range(5)]
    later = [after(source, seed=seed) for source in sources for seed in range(10, 12)]
    found, _ = waves([*sources, *later], store, {}, size=2)
    assert max(len(wave.runs) for wave in found) == 2
    assert {run_id for wave in found for run_id in wave.runs} == {spec.id for spec in [*sources, *later]}
    jobs = {}
    for number, wave in enumerate(found):
        wave.dependency(jobs)  # its sources have jobs already
        jobs |= {run_id: f"{number}_{place}" for place, run_id in enumerate(wave.runs)}
        assert [jobs[source].partition("_")[2] for source in wave.sources] == [
            str(place) for place in range(len(wave.sources))
        ]


def test_a_source_that_is_in_the_queue_is_waited_for_and_one_that_is_done_is_not(store):
    queued, done, elsewhere = a_run(seed=1), a_run(seed=2), a_run(seed=3)
    finish(store, done)
    specs = [after(queued, seed=4), after(queued, seed=5), after(done, seed=6), after(elsewhere, seed=7)]
    found, stuck = waves(specs, store, {queued.id: "9_3"}, size=100)
    one, two, three, four = (spec.id for spec in specs)
    assert [(wave.runs, wave.sources) for wave in found] == [((three,), ()), ((one, two), (queued.id,))]
    assert found[1].dependency({queued.id: "9_3"}) == "afterok:9_3"
    assert stuck == {four}


def test_jobs_ask_for_what_the_table_says(cluster, store):
    source = a_run()
    table = {
        "partition": "gpu", "gpus": 2, "cpus": 6, "memory_gb": 1.5, "time_min": 90, "at_once": 3,
        "setup": ("module load cuda",), "sbatch": {"account": "lab", "exclusive": True},
    }  # fmt: skip
    execute(store, source, a_run(seed=1), after(source), after(source, seed=1), wait=False, **table)
    assert cluster.scripts() == [17, 18, 19]
    lines = set(cluster.script(17).splitlines())
    assert lines >= {
        "#SBATCH --partition=gpu", "#SBATCH --gpus-per-node=2", "#SBATCH --cpus-per-task=6",
        "#SBATCH --mem=1536M", "#SBATCH --time=90", "#SBATCH --array=0-1%2", "#SBATCH --account=lab",
        "#SBATCH --exclusive", "#SBATCH --requeue", "#SBATCH --signal=USR2@120", "module load cuda",
        "#SBATCH --open-mode=append", "#SBATCH --job-name=paperkit",
    }  # fmt: skip
    assert "--dependency" not in cluster.script(17)
    assert "#SBATCH --dependency=afterok:17_0" in cluster.script(18)
    assert "#SBATCH --kill-on-invalid-dep=yes" in cluster.script(18)
    assert submitted(store)[source.id] == "17_0"
    assert core_slurm.job_folder(store).stat().st_mode & 0o077 == 0


def test_jobs_and_threads_given_on_the_command_line_win_over_the_table(cluster, store):
    runs = [a_run(seed=seed) for seed in range(4)]
    execute(store, *runs, wait=False, resources=Resources(jobs=2, threads=6), at_once=3, cpus=2)
    assert "--array=0-3%2" in cluster.script(17)
    assert "--cpus-per-task=6" in cluster.script(17)


def test_runs_that_are_in_the_queue_are_not_submitted_again(cluster, store):
    one, two = a_run(seed=1), a_run(seed=2)
    execute(store, one, two, wait=False)
    cluster.queue(j17_0="RUNNING", j17_1="CANCELLED")
    events = execute(store, one, two, wait=False)
    assert "in the queue already: 1" in notes(events)
    assert cluster.scripts() == [17, 18]
    assert submitted(store) == {one.id: "17_0", two.id: "18"}


def test_a_run_that_another_process_trains_is_left_to_it_with_what_waits_for_it(cluster, store):
    source, free = a_run(seed=1), a_run(seed=2)
    with store.lease(source.id):
        events = execute(store, source, after(source), free, wait=False)
    assert submitted(store) == {free.id: "17"}
    assert "left to other processes: 1; that wait for them: 1" in notes(events)
    assert cluster.scripts() == [17]


@pytest.mark.usefixtures("cluster")
def test_two_who_submit_at_once_are_told_and_submit_nothing_twice(store):
    with store.lease(core_slurm.FOLDER), pytest.raises(PaperkitError, match="Another run-all submits"):
        execute(store, a_run())


def test_what_slurm_says_against_the_jobs_is_told_with_the_table_to_change(cluster, store):
    cluster.refuse("invalid partition specified: gpus")
    with pytest.raises(InputError, match=r"invalid partition specified: gpus.*\[resources.slurm\]"):
        execute(store, a_run(), partition="gpus")


def test_where_no_slurm_answers_that_is_said_and_not_the_table_blamed(cluster, store):
    cluster.answers(False)
    cluster.refuse("resolve_ctls_from_dns_srv: res_nsearch error: Unknown host")
    with pytest.raises(InputError, match=r"squeue does not answer.*log in to a node") as error:
        execute(store, a_run(), prepare=too_early)
    assert "[resources.slurm]" not in str(error.value)
    cluster.answers(True)
    with pytest.raises(InputError, match="squeue does not answer"):
        execute(store, a_run(), prepare=lambda: cluster.answers(False))
    assert cluster.scripts() == []


def test_numbers_that_no_job_can_have_are_all_named(store):
    with pytest.raises(InputError) as error:
        execute(store, a_run(), cpus=0, time_min=0)
    assert [problem.split(":")[0] for problem in error.value.problems] == [
        "[resources.slurm] cpus = 0",
        "[resources.slurm] time_min = 0",
    ]


def test_without_slurms_commands_the_error_says_where_to_log_in(store, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="log in where Slurm's commands are"):
        execute(store, a_run(), prepare=too_early)
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(InputError, match=r"pip install 'paper-kit\[slurm\]'"):
        execute(store, a_run(), prepare=too_early)
    assert ask_queue() is None


@pytest.mark.usefixtures("cluster")
def test_a_run_that_asks_for_more_gpus_than_its_job_is_refused_before_data_are_decoded(store):
    with pytest.raises(InputError, match=r"\[resources.slurm\] .* gpus = 1 a run. Set gpus = 2"):
        execute(store, a_run(), resources=Resources(devices=2), gpus=1, prepare=too_early)


def test_waiting_tells_progress_and_how_each_run_ended(cluster, store):
    good, lost, stopped, broken = (a_run(seed=seed) for seed in range(4))
    later = after(broken)
    runs = good, lost, stopped, broken, later
    jobs = {run.id: f"17_{number}" for number, run in enumerate(runs)}
    write_submission(store, jobs)
    cluster.queue(j17_0="RUNNING", j17_1="RUNNING", j17_2="PENDING", j17_3="RUNNING", j17_4="PENDING")
    steps = [lambda: write_history(store, good, 1), lambda: write_history(store, good, 2)]

    def end():
        finish(store, good)
        store.fail(broken.id, "ValueError: the loss is not a number", "")
        cluster.queue(j17_0="COMPLETED", j17_1="OUT_OF_MEMORY", j17_2="CANCELLED", j17_3="FAILED")

    events = []

    def report(event):
        events.append(event)
        if isinstance(event, Progress) and event.run_id == good.id:
            (steps.pop(0) if steps else end)()

    _slurm_watch.watch(runs, store, report, never)
    ends = {event.run_id: (event.state, event.reason) for event in events if isinstance(event, Ended)}
    assert ends[good.id] == (RunState.DONE, "")
    assert ends[lost.id][0] is RunState.FAILED
    assert "set memory_gb" in ends[lost.id][1]
    assert store.reason(lost.id) == ends[lost.id][1]
    assert ends[stopped.id] == (RunState.MISSING, "its job 17_2 left the queue (CANCELLED)")
    assert ends[broken.id] == (RunState.FAILED, "ValueError: the loss is not a number")
    assert ends[later.id] == (RunState.BLOCKED, f"its source run {broken.id} failed")
    progress = [event for event in events if isinstance(event, Progress) and event.run_id == good.id]
    assert [(event.epoch, event.accuracy) for event in progress] == [(0, None), (1, 0.5), (2, 0.5)]


def test_a_run_whose_record_arrives_while_its_job_is_buried_is_done(cluster, store, monkeypatch):
    spec, events = a_run(), []
    write_submission(store, {spec.id: "17"})
    cluster.queue(j17="NODE_FAIL")
    monkeypatch.setattr(store, "sign", lambda *_: finish(store, spec))  # the last thing before
    real, asked = store.state, []

    def state(run):  # a file system that shows the record a little later
        asked.append(run.id)
        return real(run) if len(asked) > 1 else RunState.PARTIAL

    monkeypatch.setattr(store, "state", state)
    _slurm_watch.watch([spec], store, events.append, never)
    (end,) = (event for event in events if isinstance(event, Ended))
    assert (end.state, end.reason) == (RunState.DONE, "")
    assert not store.reason(spec.id)


def write_history(store, spec, epochs):
    row = json.dumps({"validation_accuracy": 0.5, "seconds": 1.0})
    store.folder(spec.id).mkdir(parents=True, exist_ok=True)
    store.file(spec.id, "history.jsonl").write_text(f"{row}\n" * epochs)


def test_who_stops_waiting_leaves_the_jobs_in_the_queue(cluster, store):
    spec = a_run()
    cluster.queue(j17="PENDING")
    events = execute(store, spec, should_stop=lambda: True)
    assert "paperkit cancel" in notes(events)
    assert cluster.cancelled() == ""
    assert not [event for event in events if isinstance(event, Ended)]


def test_a_lease_is_taken_away_where_the_queue_no_longer_knows_its_job(cluster, store):
    spec = a_run()
    held(store, spec, lease_name("17_0"))
    cluster.queue(j17_0="RUNNING")
    signs_of_life([spec], store, unknown_job)
    assert store.state(spec) is RunState.RUNNING
    cluster.queue(j17_0="PENDING")  # it was put back into the queue and waits anew
    signs_of_life([spec], store, unknown_job)
    assert store.state(spec) is RunState.PARTIAL
    held(store, spec, lease_name("17_0"))
    cluster.queue()
    execute(store, spec, wait=False)
    assert submitted(store) == {spec.id: "17"}


def test_a_queue_is_not_asked_about_what_it_cannot_know(cluster):
    assert unknown_job(lease_name("17_0"))
    cluster.queue(j17_0="COMPLETING")
    assert not unknown_job(lease_name("17_0"))
    assert unknown_job(lease_name("17_1"))
    assert not unknown_job(f"slurm:17_1@{os.getuid() + 1}")  # another user's, whom squeue --me leaves out
    assert not unknown_job("ray:17_1@0")
    cluster.answers(False)
    assert not unknown_job(lease_name("17_1"))


def test_where_the_queue_does_not_answer_no_run_gets_a_second_job(cluster, store):
    spec = a_run()
    execute(store, spec, wait=False)
    cluster.answers(False)
    with pytest.raises(PaperkitError, match=r"squeue does not answer.* Try again in a moment"):
        execute(store, spec, wait=False)
    assert cluster.scripts() == [17]
    with pytest.raises(PaperkitError, match="which runs have jobs already is not known"):
        in_queue(store, None)


def test_a_damaged_list_of_jobs_is_named(cluster, store):
    write_json(store.root / "slurm" / "17.json", {"jobs": 3})
    with pytest.raises(InputError, match=r"17.json: not a whole list of jobs"):
        in_queue(store, {"17": core_slurm.Queued("17", "RUNNING")})
    assert cluster.cancelled() == ""


CHILD = """
import pickle, sys
job = pickle.loads(bytes.fromhex(sys.argv[1]))
import signal
def requeue(number, frame):
    print("requeued", flush=True)
    sys.exit(5)
signal.signal(signal.SIGUSR2, requeue)
print(job())
"""


@pytest.mark.parametrize(
    ("number", "code", "said"), [(signal.SIGUSR2, 5, "requeued"), (signal.SIGTERM, 1, "")]
)
def test_a_job_that_is_told_to_go_leaves_its_run_to_be_resumed(store, number, code, said):
    spec = a_run("slow", epochs=10_000)
    held(store, spec, lease_name("17"))  # by an earlier process of the job, which was killed
    child = started(Job(spec, store.root, Resources(threads=2), "fake_engine:run_one"))
    seen = store.file(spec.id, "seen.json")
    until = time.monotonic() + 60
    while not seen.is_file() and time.monotonic() < until:
        time.sleep(0.05)
    for _ in range(2 if number is signal.SIGTERM else 1):  # Slurm tells the step and then the job
        child.send_signal(number)
        time.sleep(0.02)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == code
    assert said in out
    assert store.state(spec) is RunState.PARTIAL
    assert not store.leased(spec.id)
    assert json.loads(seen.read_text())["threads"] == "2"


def started(job):
    import cloudpickle

    paths = os.pathsep.join([str(FAKES), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths, "SUBMITIT_EXECUTOR": "slurm", "SLURM_JOB_ID": "17"}
    command = [sys.executable, "-c", CHILD, cloudpickle.dumps(job).hex()]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE)


def test_what_a_job_prints_is_kept_without_secrets(store, monkeypatch, capfd):
    def run_one(*_, **__):
        print(f"asked with {os.environ['LAB_TOKEN']}", flush=True)
        return RunState.DONE

    monkeypatch.setitem(sys.modules, "talking_engine", SimpleNamespace(run_one=run_one))
    variables = {"LAB_TOKEN": "swordfish", "SUBMITIT_EXECUTOR": "slurm", "SLURM_JOB_ID": "17"}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    for name, value in (variables | threads).items():
        monkeypatch.setenv(name, value)
    for name in ("stdout", "stderr"):  # they are others afterwards
        monkeypatch.setattr(sys, name, getattr(sys, name))
    assert Job(a_run(), store.root, Resources(threads=1), "talking_engine:run_one")() == "done"
    assert capfd.readouterr().out == "asked with [LAB_TOKEN]\n"


def test_runs_of_a_clusters_jobs_are_waited_for(store):
    free, taken = a_run(seed=1), a_run(seed=2)
    with store.lease(taken.id):
        assert study.to_train((free, taken), store) == (free,)
        assert study.to_train((free, taken), store, Part(name="slurm")) == (free, taken)
    assert log_of(store, "17_3").name == "17_3_0_log.out"
