"""A real Slurm of one node, on loopback, in a folder of its own, of Debian's packages slurm-wlm and munge."""

import os
import secrets
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
WAIT_S = 30
CONFIGURATION = """
ClusterName=paperkit
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=30
MinJobAge=600
InactiveLimit=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=low Nodes=ALL Default=YES MaxTime=60 State=UP PriorityTier=1
PartitionName=high Nodes=ALL Default=NO MaxTime=60 State=UP PriorityTier=10
"""


def lacking():
    """What is missing here to start a Slurm; "" where nothing is."""
    absent = [name for name in DAEMONS if found(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (apt-get install slurm-wlm munge)"
    return "" if os.geteuid() == 0 else "only root can start slurmd"


def found(name):
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")


@contextmanager
def slurm(folder):
    """Nothing; while it is open, sbatch and squeue speak to a Slurm of this machine's own."""
    configuration = written(folder)
    os.environ["SLURM_CONF"] = str(configuration)
    processes = []
    try:
        processes.append(started(folder, *munge(folder)))
        until((folder / "munge" / "socket").exists, "munged")
        processes.append(started(folder, found("slurmctld"), "-D", "-i"))
        processes.append(started(folder, found("slurmd"), "-D", "-N", socket.gethostname()))
        until(idle, "slurmctld and slurmd")
        try:
            yield
        finally:
            subprocess.run(["scancel", "--user=root"], check=False)
            subprocess.run(["scancel", "--user=root", "--signal=KILL", "--full"], check=False)
            until(lambda: not said("squeue", "--noheader"), "the end of the jobs")
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(20)
        del os.environ["SLURM_CONF"]


def written(folder):
    """slurm.conf, in a folder with what the daemons need."""
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o755, parents=True)
    key = folder / "munge" / "key"
    key.write_bytes(secrets.token_bytes(64))
    key.chmod(0o600)
    configuration = folder / "slurm.conf"
    text = CONFIGURATION.format(host=socket.gethostname(), ports=free_ports(2), folder=folder)
    configuration.write_text(text)
    return configuration


def munge(folder):
    place = folder / "munge"
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed", "log-file": "log"}
    return [
        found("munged"),
        "--foreground",
        "--force",  # root may run it, in a folder below /tmp
        *(f"--{option}={place / name}" for option, name in files.items()),
    ]


def started(folder, program, *arguments):
    log = (folder / f"{Path(program).name}.out").open("w")
    with log:
        ended_with_us = ("setpriv", "--pdeathsig", "TERM")  # util-linux; a killed test leaves no daemon
        command = [*ended_with_us, program, *arguments]
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def free_ports(number):
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def idle():
    return "idle" in said("sinfo", "--noheader", "--format=%T")


def said(*command):
    """What the command wrote to stdout."""
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


def until(true, what, seconds=WAIT_S):
    """Nothing, once `true()` is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.2)
