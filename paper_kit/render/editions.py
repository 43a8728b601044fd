"""The editions of a paper: linked for readers, without links for a publisher, without names for reviewers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.core.paper import Author, Paper

Edition = Literal["linked", "camera-ready", "blind"]
NAMELESS = Author(name="Anonymous Authors")
WITHHELD = "withheld for review"
TELLING = ("environment.commit", "build.")  # facts that name a repository or a build


def edition_tex(edition: Edition, tex: str, *, linked: bool = False) -> bytes:
    """edition.tex, which macros.tex reads before the class is loaded: what the paper's TeX needs.

    Links and attachments where there is an appendix to link to, or where `linked`; TikZ for diagrams.
    """
    drawing = b"\\pkloadtikz\n" if r"\pkdiagram" in tex else b""
    if edition == "linked":
        linked = linked or r"\pkprovenance" in tex
        return drawing + (b"\\pklinks\\RequirePackage{embedfile}\n" if linked else b"")
    return drawing + b"\\PassOptionsToPackage{draft,bookmarks=false}{hyperref}\n"


def folder_name(venue: str, edition: Edition) -> str:
    """The name of the build folder: "ieeetran", "ieeetran-camera-ready"."""
    return venue if edition == "linked" else f"{venue}-{edition}"


def counterpart(folder: Path, venue: str, edition: Edition) -> Path:
    """The build folder of the linked edition's camera-ready one, and the other way about."""
    other: Edition = "camera-ready" if edition == "linked" else "linked"
    if folder.name == folder_name(venue, edition):
        return folder.with_name(folder_name(venue, other))
    return folder.with_name(f"{folder.name}-{other}")


def nameless(paper: Paper) -> Paper:
    """The paper without authors, acknowledgements and the address of its code."""
    return paper.model_copy(update={"authors": (NAMELESS,), "acknowledgements": "", "code_url": ""})


def telling(facts: Mapping[str, Fact]) -> tuple[str, ...]:
    """The texts of the facts that name a repository or a build."""
    return tuple(fact.text for key, fact in facts.items() if key.startswith(TELLING) and not fact.missing)


def without_telling(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """The facts, those that name a repository or a build withheld."""
    return {
        key: replace(fact, value=WITHHELD, kind="text", unit="", origin=Origin(formula=WITHHELD))
        if key.startswith(TELLING) and not fact.missing
        else fact
        for key, fact in facts.items()
    }
