"""What a build is asked for: venue, experiments, edition, how strictly, and where things lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from paper_kit.core.spec import Resources
from paper_kit.render.editions import Edition
from paper_kit.render.seal import Stamp


@dataclass(frozen=True)
class Request:
    """What to build: venue ("" for paper.toml's), experiments (none for paper.toml's), and how strictly.

    `final` refuses whatever a draft only marks; `compile` false stops after TeX, tables and figures are
    written; `out` is the build folder, by default paper/build/<venue>; `runs` is the Store's folder.
    `commit` false lets a final paper be built from files that are not committed; `stamp` is printed in
    place of today's seal and commit, to build a sealed paper again. `edition` is with links to the origin of
    each number, without (for a publisher), or without names (for reviewers). `supplement` is paper.toml's
    setting of that name; "" takes what stands there.
    """

    venue: str = ""
    experiments: tuple[str, ...] = ()
    final: bool = False
    compile: bool = True
    show_images: bool = False
    out: Path | None = None
    runs: Path | None = None
    commit: bool = True
    stamp: Stamp | None = None
    edition: Edition = "linked"
    supplement: Literal["", "own", "none"] = ""
    resources: Resources = field(default_factory=Resources)
