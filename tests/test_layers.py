"""The architecture of the package, read from its source: who imports whom, and how large things are."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "paper_kit"
FLOORS = (("core",), ("stats", "data"), ("analysis", "bench"), ("render", "report"), ("cli",))
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(PACKAGE.rglob("*.py"))
TORCH = {"torch", "torchvision", "timm", "fvcore", "safetensors"}
CORE_MAY = {"pydantic", "pydantic_core", "numpy", "filelock", "tomlkit", "paper_kit"}


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path):
    room = room_of(path)
    if not room:
        return
    for name in imports(path):
        head, _, rest = name.partition(".")
        other = rest.split(".")[0]
        if head != "paper_kit" or other not in FLOOR or other == room:
            continue
        assert FLOOR[other] < FLOOR[room], f"{path}: {room} imports {name}"
        assert (room, other) not in {("render", "bench"), ("report", "bench")}, f"{path} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_bench_imports_torch_and_core_stays_light(path):
    heads = {name.partition(".")[0] for name in imports(path)}
    room = room_of(path)
    if room != "bench":
        assert not heads & TORCH, f"{path} imports {heads & TORCH}"
    if room == "data":
        assert not heads & {"pandas", "scipy", "sklearn", "matplotlib"}
    if room == "core":
        import sys

        assert not heads - CORE_MAY - set(sys.stdlib_module_names), f"{path} imports {heads}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_and_functions_keep_the_sizes_of_the_house_style(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 300, f"{path}: more than 300 lines"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 40, f"{path}:{node.lineno} {node.name}: {length} lines"
            assert depth(node) <= 3, f"{path}:{node.lineno} {node.name}: nested deeper than 3"


def depth(node: ast.AST) -> int:
    """How deep loops, branches, with and try stand inside one another; an elif is no deeper than its if."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        nested = isinstance(child, ast.If | ast.For | ast.While | ast.With | ast.Try | ast.Match)
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, depth(child) + (nested and not is_elif))
    return deepest


def test_no_file_has_a_name_that_says_nothing():
    assert not {path.stem for path in FILES} & {"utils", "helpers", "common", "misc", "base", "manager"}
