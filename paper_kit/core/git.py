"""What git says of a folder, without running what the folder's own settings name."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SETTINGS = (
    "core.quotepath=off",
    "core.fsmonitor=false",  # else a program named by the repository, run by `git status`
    f"core.hooksPath={os.devnull}",  # else the repository's hooks, run by `git worktree add`
)


def git(root: Path, *arguments: str) -> str | None:
    """What git says in the folder; None where it is no repository, has no commit, or git is missing."""
    options = [part for setting in SETTINGS for part in ("-c", setting)]
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *options, *arguments], capture_output=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
