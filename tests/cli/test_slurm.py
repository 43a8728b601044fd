"""run-all --executor slurm, status and cancel, with stand-ins for Slurm's commands."""

import pytest

from paper_kit.core.slurm import submitted
from paper_kit.core.store import Store
from tests.bench.fake_slurm import FakeSlurm


@pytest.fixture
def cluster(root, monkeypatch):
    found = FakeSlurm(root / "bin")
    monkeypatch.setenv("PATH", found.path)
    (root / "paperkit.local.toml").write_text('[resources.slurm]\npartition = "gpu"\ncpus = 4\n')
    return found


@pytest.fixture
def queued(root, cluster, paperkit):
    """Run id -> job of the study, which is in the queue."""
    result = paperkit("run-all", "--executor", "slurm", "--detach")
    assert result.exit_code == 0
    jobs = submitted(Store(root / "experiments" / "runs"))
    states = ["PENDING"] * len(jobs)
    cluster.queue(**{f"j{job}": state for job, state in zip(jobs.values(), states, strict=True)})
    return jobs


def test_a_detached_study_leaves_the_terminal_at_once_and_says_what_to_type(cluster, paperkit):
    result = paperkit("run-all", "--executor", "slurm", "--detach")
    assert result.exit_code == 0
    assert "4 runs left to the queue: `paperkit status` shows them" in result.stdout
    assert "Submitted array 17, 4 of 4 runs" in result.stderr
    assert "--partition=gpu" in cluster.script(17)
    assert "--cpus-per-task=4" in cluster.script(17)


def test_status_names_the_job_of_each_run_that_is_not_done(queued, cluster, paperkit):
    result = paperkit("status")
    assert "4 queued" in result.stdout
    assert "job 17_0 PENDING (Resources)" in result.stdout
    cluster.queue(j17_0="RUNNING", j17_1="TIMEOUT")
    result = paperkit("status")
    assert "job 17_0 RUNNING (node1)" in result.stdout
    assert "job 17_1 ended (TIMEOUT), see " in result.stdout
    assert "job 17_2 left the queue, see " in result.stdout
    assert "17_2_0_log.out; `paperkit run-all --executor slurm` goes on" in result.stdout
    assert len(queued) == 4


def test_cancel_ends_the_jobs_of_the_runs_that_were_named(queued, cluster, paperkit):
    result = paperkit("cancel", "--only", "good", "--only", "base")
    assert (result.exit_code, result.stdout) == (0, "1 job cancelled.\n")
    assert cluster.cancelled() == "17_0\n"
    assert paperkit("cancel").stdout == f"{len(queued)} jobs cancelled.\n"
    assert cluster.cancelled().splitlines()[-1] == "17_0 17_1 17_2 17_3"
    cluster.queue()
    assert paperkit("cancel").stdout == "None of these runs is in the queue.\n"


@pytest.mark.usefixtures("root")
def test_cancel_without_a_queue_says_where_to_type_it(paperkit, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = paperkit("cancel")
    assert result.exit_code == 2
    assert "squeue is missing" in result.stderr


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('[resources.slurm]\npartitions = "gpu"', "Did you mean 'partition'?"),
        ("[resources.slurm]\ngpus = 'two'", "gpus = 'two' is not of type int"),
        ("[resources.slurmm]\ngpus = 1", "[resources.slurmm]: no such executor. Did you mean 'slurm'?"),
        ("[resources.slurm]\ncpus = 0", "cpus = 0: expected 1 or more"),
    ],
)
def test_a_wrong_table_is_told_with_what_was_meant(cluster, root, paperkit, table, told):
    (root / "paperkit.local.toml").write_text(table)
    result = paperkit("run-all", "--executor", "slurm", "--detach")
    assert result.exit_code == 2
    assert told in result.stderr
    assert cluster.scripts() == []


@pytest.mark.usefixtures("root")
def test_only_an_executor_with_a_queue_can_be_left_alone(paperkit):
    result = paperkit("run-all", "--detach")
    assert result.exit_code == 2
    assert "Add --executor slurm" in result.stderr
