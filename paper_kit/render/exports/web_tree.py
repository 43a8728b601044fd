"""TeX as pandoc's tree of blocks and inlines, values of JSON that pure functions change."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from paper_kit.core.errors import InputError
from paper_kit.render.compile import EPOCH

Node = dict[str, Any]
Nodes = list[Node]
INSTALL = (
    "There is no pandoc. On Debian or Ubuntu type: sudo apt-get install pandoc (in paperkit's own folder "
    "`make extras` does it). On macOS: brew install pandoc."
)
TIMEOUT_S = 120.0


def need_pandoc() -> None:
    """Nothing; InputError says what to type where pandoc is missing."""
    if shutil.which("pandoc") is None:
        raise InputError(INSTALL)


def pandoc(options: Sequence[str], given: str, folder: Path | None = None) -> str:
    """What pandoc prints; InputError with its words where it fails or cannot set a formula."""
    need_pandoc()
    try:
        done = subprocess.run(
            ["pandoc", *options],
            input=given.encode(),
            capture_output=True,
            cwd=folder,
            env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},  # equal papers give equal files
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"pandoc did not finish within {TIMEOUT_S:.0f} s.") from None
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode or "Could not convert TeX math" in said:
        raise InputError(f"pandoc cannot set the paper: {' '.join(said.split())[:600]}")
    return done.stdout.decode()


def tree_of(tex: str) -> Node:
    """The document that pandoc reads in a TeX text; it may read no file."""
    found: Node = json.loads(pandoc(["--sandbox", "--from", "latex", "--to", "json"], tex))
    return found


def changed(value: Any, change: Callable[[Node], Nodes]) -> Any:
    """The tree with each node in the place of what `change` gives for it, its own parts changed before it."""
    if isinstance(value, list):
        out: list[Any] = []
        for item in value:
            below = changed(item, change)
            out += change(below) if isinstance(below, dict) and "t" in below else [below]
        return out
    if isinstance(value, dict):
        return {key: changed(item, change) for key, item in value.items()}
    return value


def words(nodes: Any) -> str:
    """The text of a tree without its markup."""
    if isinstance(nodes, list):
        return "".join(words(item) for item in nodes)
    if not isinstance(nodes, dict):
        return ""
    kind, inside = nodes.get("t"), nodes.get("c")
    if kind == "Str":
        return str(inside)
    if kind in ("Space", "SoftBreak", "LineBreak"):
        return " "
    if kind in ("Math", "Code", "RawInline") and isinstance(inside, list):
        return "" if kind == "RawInline" else _formula(str(inside[1])) if kind == "Math" else str(inside[1])
    return words(inside) + (" " if kind in ("Para", "Plain") else "")


def _formula(tex: str) -> str:
    """A short formula in Unicode: those of texts for people who cannot see a figure."""
    for sign, shown in ((r"\times", "\N{MULTIPLICATION SIGN}"), (r"\pm", "\N{PLUS-MINUS SIGN}")):
        tex = tex.replace(sign, shown)
    return "\N{MINUS SIGN}" if tex == "-" else tex


def text(shown: str) -> Nodes:
    """The inlines of a plain text."""
    parts = [{"t": "Str", "c": word} for word in shown.split()]
    return [node for part in parts for node in ({"t": "Space"}, part)][1:]


def attributes(name: str = "", classes: Iterable[str] = (), **more: str) -> list[Any]:
    """A node's attributes; underscores in their names stand for hyphens."""
    return [name, list(classes), [[key.replace("_", "-"), value] for key, value in more.items()]]


def span(inlines: Nodes, *, name: str = "", classes: Iterable[str] = (), **more: str) -> Node:
    """An inline part with attributes."""
    return {"t": "Span", "c": [attributes(name, classes, **more), inlines]}


def div(blocks: Nodes, *, name: str = "", classes: Iterable[str] = (), **more: str) -> Node:
    """Blocks with attributes."""
    return {"t": "Div", "c": [attributes(name, classes, **more), blocks]}


def link(inlines: Nodes, to: str, title: str = "", *, classes: Iterable[str] = (), **more: str) -> Node:
    """A link."""
    return {"t": "Link", "c": [attributes("", classes, **more), inlines, [to, title]]}


def para(inlines: Nodes) -> Node:
    """A paragraph."""
    return {"t": "Para", "c": inlines}


def raw(html: str) -> Node:
    """HTML as a block."""
    return {"t": "RawBlock", "c": ["html", html]}


def url(node: Node) -> tuple[str, str]:
    """The scheme of a link of ours and what stands behind it, such as ("pk", "12"); empty for others."""
    if node["t"] != "Link":
        return "", ""
    scheme, _, rest = str(node["c"][2][0]).partition(":")
    return (scheme, rest) if scheme.startswith("pk") else ("", "")


def kind(node: Node) -> str:
    """The first class of a Div; empty for other nodes."""
    return next(iter(node["c"][0][1]), "") if node["t"] == "Div" else ""
