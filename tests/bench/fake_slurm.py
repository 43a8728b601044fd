"""Stand-ins for Slurm's commands: what they were told lies in files, and a file is the queue."""

import os
import sys
from pathlib import Path

SBATCH = """#!/bin/sh
cd "$(dirname "$0")"
number=$(($(cat number) + 1))
echo $number > number
cp "$1" "script-$number.sh"
if [ -f refusal ]; then cat refusal >&2; exit 1; fi
echo "Submitted batch job $number"
"""
SQUEUE = """#!/bin/sh
cd "$(dirname "$0")"
cat queue
"""
SCANCEL = """#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> cancelled
"""


class FakeSlurm:
    """A folder with sbatch, squeue, scancel and srun."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name, text in {
            "sbatch": SBATCH,
            "squeue": SQUEUE,
            "scancel": SCANCEL,
            "srun": "#!/bin/sh\n",
        }.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        (folder / "number").write_text("16")
        self.queue()

    @property
    def path(self) -> str:
        """PATH with these commands in front."""
        return f"{self.folder}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def queue(self, **states: str) -> None:
        """Nothing; the queue holds these jobs: queue(j17_0="RUNNING")."""
        lines = [f"{job[1:]}|{state}|Resources|node1" for job, state in states.items()]
        (self.folder / "queue").write_text("".join(f"{line}\n" for line in lines))

    def answers(self, whether: bool) -> None:
        """Nothing; squeue reaches its controller, or does not, from here on."""
        (self.folder / "squeue").write_text(SQUEUE if whether else "#!/bin/sh\nexit 1\n")

    def script(self, number: int) -> str:
        """What sbatch was given as the submission of this number; the first is 17."""
        return (self.folder / f"script-{number}.sh").read_text()

    def scripts(self) -> list[int]:
        """Numbers of the submissions."""
        return sorted(int(path.stem.partition("-")[2]) for path in self.folder.glob("script-*.sh"))

    def refuse(self, reason: str) -> None:
        """Nothing; sbatch fails from here on."""
        (self.folder / "refusal").write_text(f"sbatch: error: {reason}\n")

    def cancelled(self) -> str:
        """What scancel was given, a line a call."""
        path = self.folder / "cancelled"
        return path.read_text() if path.is_file() else ""
