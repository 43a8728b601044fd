"""The architecture of one model as boxes and arrows, drawn from the layer list of its record."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd

from paper_kit.analysis.artifacts import Diagram, Edge, Node, NodeKind, Note
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts.model import layer_shape, layer_size
from paper_kit.analysis.figures._canvas import WAITING
from paper_kit.analysis.figures._layers import LayerPart, layer_parts
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style, Width
from paper_kit.core.record import LayerRow

MOST = {"text": 16, "column": 12}  # parts between input and logits
LAYERS = Origin(fields=("record.layers",))
FRAME = ("part", "operation", "output", "parameters", "macs", "blocks", "kind", "stage")


def draw(
    results: Results, style: Style, *, width: Width = "text", model: str = "", experiment: str = ""
) -> Diagram:
    """The parts of the model with this key, the first for none, from its input to the logits."""
    entry = results.model(model, experiment) if model else results.plan(experiment).experiment.model[0]
    records = results.records(entry.key, experiment=experiment)
    if not records or not records[0].layers:
        return _waiting(entry.label, style, width)
    layers = records[0].layers
    parts = layer_parts(layers, MOST[width])
    plan = results.plan(experiment).experiment.name
    about = f"model.{entry.key}" if plan == results.main.name else f"model of {plan}.{entry.key}"
    spec = results.spec(entry.key, experiment=experiment)
    image = (spec.channels, spec.image_size, spec.image_size)
    inner = _nodes(about, layers, parts)
    first = Node("input", "end", _text(f"{about}.input.name", "Input"))
    last = Node("logits", "end", _text(f"{about}.logits.name", "Logits"))
    ends = (Origin(fields=("channels", "image_size")), Origin(fields=("record.classes",)))
    shapes = (layer_shape(image), str(len(records[0].classes)))
    first, last = (
        Node(node.name, "end", node.title, shape=Fact(f"{about}.{node.name}", shape, "text", origin=origin))
        for node, shape, origin in zip((first, last), shapes, ends, strict=True)
    )
    nodes = (first, *inner, last)
    return Diagram(
        name="architecture",
        nodes=nodes,
        edges=_edges(nodes, parts),
        width_in=style.width(width),
        size_pt=style.size_pt,
        data=_frame(layers, parts),
        alt=_alt(_text(f"{about}.label", entry.label), nodes),
        notes=(_note(nodes, image, layers),),
    )


def _waiting(label: str, style: Style, width: Width) -> Diagram:
    node = Node("input", "end", _text("model.waiting", WAITING))
    note = Note(f"Pending: {label}.")
    return Diagram(
        name="architecture",
        nodes=(node,),
        edges=(),
        width_in=style.width(width),
        size_pt=style.size_pt,
        data=pd.DataFrame(),
        alt=f"Nothing to draw: {WAITING}.",
        notes=(note,),
    )


def _text(key: str, text: str) -> Fact:
    return Fact(key, text, "text", origin=LAYERS)


def _nodes(about: str, layers: tuple[LayerRow, ...], parts: list[LayerPart]) -> tuple[Node, ...]:
    head = layers[-1].stage
    nodes: list[Node] = []
    for number, part in enumerate(parts):
        kind = part.kind(head)
        host, beside = _host(number, parts, nodes, kind, head)
        own = f"{about}.part.{'-'.join(map(str, dict.fromkeys((part.places[0], part.places[-1]))))}"
        formula = "" if len(part.rows) == 1 else "sum over neighbouring rows"
        origin = Origin(fields=("record.layers",), formula=formula)
        nodes.append(
            Node(
                name=f"part{number}",
                kind=kind,
                title=_row_fact(about, part, "name", part.title, own),
                text=_row_fact(about, part, "operation", part.operation, own) if part.operation else None,
                shape=_row_fact(about, part, "output", layer_shape(part.output), own)
                if part.output
                else None,
                parameters=layer_size(f"{own}.parameters", part.parameters, origin),
                copies=part.blocks,
                host=host,
                beside=beside,
            )
        )
    return tuple(nodes)


def _row_fact(about: str, part: LayerPart, field: str, text: str, own: str) -> Fact:
    """The fact of the layer table where it prints the same, else one of the part."""
    row = part.rows[0]
    same = {"name": row.name, "operation": row.operation, "output": layer_shape(row.output)}[field]
    if len(part.rows) == 1 and text == same:
        return _text(f"{about}.layer.{part.places[0]}.{field}", text)
    return _text(f"{own}.{field}", text)


def _host(
    number: int, parts: list[LayerPart], nodes: list[Node], kind: NodeKind, head: str
) -> tuple[str, bool]:
    """The node of whose box an attention part is the lower half, and whether it stands off the way through.

    It does where it belongs to the head, which is the last stage, and layers of earlier stages follow it.
    """
    part = parts[number]
    if kind != "attention" or not number or nodes[-1].host or parts[number - 1].output != part.output:
        return "", False
    if part.stage == parts[number - 1].stage:
        return nodes[-1].name, False
    off = [
        place
        for place, each in enumerate(parts)
        if each.stage == head
        and each.kind(head) == "attention"
        and any(later.stage != head for later in parts[place + 1 :])
    ]
    return (nodes[-1].name, True) if part.stage == head and off else ("", False)


def _edges(nodes: tuple[Node, ...], parts: list[LayerPart]) -> tuple[Edge, ...]:
    """The way through, branches to what stands beside it, and skips to where several parts are joined."""
    edges: list[Edge] = []
    way = [node for node in nodes if not node.host]
    beside = {node.host: node for node in nodes if node.beside}
    edges += [Edge(host, node.name, "branch") for host, node in beside.items()]
    skipped = {target.name: _sources(target, nodes, parts) for target in nodes if target.kind == "fusion"}
    for before, after in pairwise(way):
        taken = skipped.get(after.name, ())
        if not (before.name in beside and beside[before.name].name in taken):
            edges.append(Edge(before.name, after.name))
        edges += [Edge(name, after.name, "skip") for name in taken if name != before.name]
    return tuple(edges)


def _sources(target: Node, nodes: tuple[Node, ...], parts: list[LayerPart]) -> tuple[str, ...]:
    """The nodes that a fusion joins: the last attention parts where there are as many, else the last stages.

    Those that are a part of another's box stand for that one.
    """
    place = nodes.index(target)
    number = parts[place - 1].joins  # the first node is the input
    before = nodes[1:place]
    attention = [node for node in before if node.kind == "attention"]
    stages = [node for node in before if node.kind in {"stage", "token"}]
    chosen = attention if len(attention) >= number else stages
    found = [node.host if node.host and not node.beside else node.name for node in chosen[-number:]]
    return tuple(dict.fromkeys(found)) if number else ()


def _frame(layers: tuple[LayerRow, ...], parts: list[LayerPart]) -> pd.DataFrame:
    head = layers[-1].stage
    rows = [
        (
            part.title,
            part.operation,
            layer_shape(part.output),
            part.parameters,
            part.macs,
            part.blocks,
            part.kind(head),
            part.stage,
        )
        for part in parts
    ]
    return pd.DataFrame(rows, columns=list(FRAME))


def _alt(label: Fact, nodes: tuple[Node, ...]) -> Note:
    """The parts in order, each with the shape that it gives out."""
    told: list[str | Fact] = ["Block diagram of ", label, ": "]
    for place, node in enumerate(nodes):
        told += [", then " if place else "", node.title]
        told += [" (", node.shape, ")"] if node.shape is not None else []
    return Note(*told, ".")


def _note(nodes: tuple[Node, ...], image: tuple[int, ...], layers: tuple[LayerRow, ...]) -> Note:
    """What stands where in the boxes."""
    shapes = [
        words
        for words, size in (("channels×height×width", 3), ("tokens×width", 2))
        if any(len(each) == size for each in (image, *(row.output for row in layers)))
    ]
    stacked = "; stacked boxes are repeated blocks" if any(node.copies > 1 for node in nodes) else ""
    beside = "; coloured lines lead to where levels are joined" if _joining(nodes) else ""
    return Note(f"Below each box its output ({' or '.join(shapes)}) and its parameters{stacked}{beside}.")


def _joining(nodes: tuple[Node, ...]) -> bool:
    return any(node.kind == "fusion" for node in nodes)
