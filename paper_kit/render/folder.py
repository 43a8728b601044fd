"""The build folder: the files of a paper as values, and written where they changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from paper_kit.analysis.claims import Judged
from paper_kit.core.errors import InputError
from paper_kit.core.files import read_json, write_bytes
from paper_kit.render.editions import edition_tex
from paper_kit.render.manuscript import Manuscript, Typeset
from paper_kit.render.provenance import CLAIMS, PROVENANCE, provenance_json
from paper_kit.render.venue import Venue, belongs, place_in_build

WRITTEN = "files.json"  # names of the files of the last build
FINDINGS = "findings.json"  # what the last build found, and of which inputs


def page_files(made: Typeset, manuscript: Manuscript, venue: Venue) -> dict[str, bytes]:
    """Path in the build folder -> content, for all that TeX and a reader need."""
    files = {
        place_in_build(name, venue): data for name, data in manuscript.files.items() if belongs(name, venue)
    }
    files["paper.tex"] = made.tex.encode()
    for stem, table in made.tables.items():
        files[f"tables/{stem}.csv"] = table.to_csv().encode()
        files[f"tables/{stem}.md"] = table.to_markdown().encode()
    for stem, drawn in made.figures.items():
        pictures = {"pdf": drawn.pdf, "png": drawn.png, "csv": drawn.csv.encode()}
        files |= {f"figures/{stem}.{kind}": data for kind, data in pictures.items() if data}
    files |= {f"figures/{stem}.tex": tikz.encode() for stem, tikz in made.diagrams.items()}
    files["facts.json"] = _json([fact.as_dict() for fact in made.facts])
    files["registry.json"] = _json(dict(made.registry))
    files[CLAIMS] = _json({"claims": list(_told(made.claims)), "family": list(made.family)})
    if made.edition == "linked":
        files[PROVENANCE] = provenance_json(made.provenance, made.facts, {"venue": venue.key})
    files["edition.tex"] = edition_tex(made.edition, made.tex)
    files["lines.json"] = json.dumps(made.lines.as_list(), ensure_ascii=False).encode()
    return files


def _told(judged: Sequence[Judged]) -> Iterator[dict[str, Any]]:
    """The claims for claims.json, each once."""
    seen: set[tuple[str, str]] = set()
    for one in judged:
        entry = one.as_dict()
        if (entry["claim"], entry["place"]) not in seen:
            seen.add((entry["claim"], entry["place"]))
            yield entry


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _written_before(index: Path) -> list[str]:
    """Names of the files that the last build wrote; none where its list is missing, damaged or leads away."""
    try:
        told = read_json(index)
    except InputError:
        return []
    names = told if isinstance(told, list) else []
    folder = index.parent.resolve()
    return [
        name for name in names if isinstance(name, str) and (folder / name).resolve().is_relative_to(folder)
    ]


def write(files: Mapping[str, bytes], folder: Path) -> tuple[str, ...]:
    """Names of the files that changed; what an earlier build wrote and this one does not is removed."""
    index = folder / WRITTEN
    before = _written_before(index)
    for name in set(before) - set(files):
        (folder / name).unlink(missing_ok=True)
    changed = []
    for name, data in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != data:
            write_bytes(path, data)
            changed.append(name)
    if sorted(before) != sorted(files):
        write_bytes(index, json.dumps(sorted(files)).encode())
    return tuple(changed)
