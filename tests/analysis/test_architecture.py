"""The diagram of a model: its parts, whatever the layer list, with branches and joins where it tells them."""

from __future__ import annotations

import pytest

from paper_kit.analysis.artifacts import Diagram, Edge, Node, Note
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.figures._layers import layer_parts
from paper_kit.analysis.figures.architecture import MOST, draw
from paper_kit.analysis.style import Style
from paper_kit.core.errors import InputError
from paper_kit.core.record import LayerRow
from tests.analysis.conftest import CASES
from tests.analysis.fabricated import fabricate

STYLE = Style()


def row(name, operation="conv", output=(8, 4, 4), parameters=10, stage="") -> LayerRow:
    return LayerRow(
        name=name, operation=operation, output=output, parameters=parameters, macs=100, stage=stage
    )


FUSING = (
    row("Stem", "3×3 conv", (8, 8, 8), stage="stem"),
    row("Stage 1", "2 × residual block with SE", (8, 8, 8), 900, "stage 1"),
    row("Attention 1", "CBAM, channel and spatial", (8, 8, 8), 20, "stage 1"),
    row("Stage 2", "1 × residual block with SE", (16, 4, 4), 3600, "stage 2"),
    row("Attention 2", "CBAM, channel and spatial", (16, 4, 4), 30, "stage 2"),
    row("Fusion", "2 levels pooled and joined, 1×1 conv", (32, 4, 4), 700, "head"),
    row("Classifier", "linear", (7,), 231, "head"),
)
TAPPED = (
    row("Stage 1", "conv", (8, 8, 8), stage="one"),
    row("Attention 1", "CBAM", (8, 8, 8), stage="head"),
    row("Stage 2", "conv", (16, 4, 4), stage="two"),
    row("Attention 2", "CBAM", (16, 4, 4), stage="head"),
    row("Fusion", "2 taps pooled and joined", (32, 4, 4), stage="head"),
    row("Classifier", "linear", (7,), stage="head"),
)


def drawn(tmp_path, layers, **options) -> Diagram:
    """The diagram of a fabricated study's first model, which has these layers."""
    from paper_kit.analysis.results import collect

    plans, store = fabricate(tmp_path, models=1)
    for spec in plans[0].runs:
        store.write_record(store.record(spec.id).model_copy(update={"layers": tuple(layers)}))
    return draw(collect(plans, store), STYLE, **options)


def edges(diagram, kind) -> set[tuple[str, str]]:
    title = {node.name: node.title.text if not node.host else node.text.text for node in diagram.nodes}
    return {(title[edge.source], title[edge.target]) for edge in diagram.edges if edge.kind == kind}


@pytest.mark.parametrize("case", CASES)
def test_a_diagram_is_drawn_whatever_is_there(fabricated, case):
    made = draw(fabricated(case), STYLE, width="column")
    assert made.name == "architecture"
    assert made.width_in == STYLE.column_in
    assert made.alt.endswith(".")
    assert made.data.empty == (case == "nothing_finished")
    assert ("Pending" in made.notes[0]) == (case == "nothing_finished")


def test_attention_inside_of_a_stage_is_the_lower_part_of_its_box_and_fused_levels_skip(tmp_path):
    made = drawn(tmp_path, FUSING)
    nodes = {node.title.text: node for node in made.nodes}
    assert nodes["Attention 1"].host == nodes["Stage 1"].name
    assert not nodes["Attention 1"].beside
    assert nodes["Stage 1"].copies == 2
    assert edges(made, "skip") == {("Stage 1", "Fusion")}
    assert ("Stage 2", "Fusion") in edges(made, "flow")
    assert ("Input", "Stem") in edges(made, "flow")
    assert ("Classifier", "Logits") in edges(made, "flow")


def test_attention_of_the_head_between_stages_branches_off_the_way_through(tmp_path):
    made = drawn(tmp_path, TAPPED)
    assert edges(made, "branch") == {("Stage 1", "CBAM"), ("Stage 2", "CBAM")}
    assert {target for _, target in edges(made, "skip")} == {"Fusion"}
    assert ("Stage 1", "Stage 2") in edges(made, "flow")
    assert ("Stage 2", "Fusion") not in edges(made, "flow")  # it is reached by way of the attention


def test_equal_neighbours_are_one_part_that_counts_its_blocks(tmp_path):
    blocks = [row(f"Block {n}", "1 × encoder block, 3 heads", (37, 96), 1000, f"b {n}") for n in range(1, 13)]
    made = drawn(tmp_path, [row("Patches", "conv", (36, 96)), *blocks, row("Head", "linear", (7,))])
    block = made.nodes[2]
    assert block.title.text == "Block 1–12"
    assert block.text.text == "12 × encoder block, 3 heads"
    assert block.copies == 12
    assert block.parameters.text.replace("\u00a0", " ") == "12.0 k"


@pytest.mark.parametrize("rows", [3, 17, 60, 500])
def test_any_number_of_layers_becomes_a_diagram_that_keeps_every_parameter(tmp_path, rows):
    layers = [
        row(f"layer{n // 4}.{n}", f"Kind{n % 7}", (n % 9 + 1, 4, 4), n, f"layer{n // 4}") for n in range(rows)
    ]
    made = drawn(tmp_path, layers, width="column")
    assert len(made.data) <= MOST["column"]
    assert made.data["parameters"].sum() == sum(layer.parameters for layer in layers)
    assert [place for part in layer_parts(layers, 12) for place in part.places] == list(range(rows))


def test_every_number_of_a_diagram_is_a_fact_with_its_origin(tmp_path):
    made = drawn(tmp_path, FUSING)
    shown = [fact for node in made.nodes for fact in (node.title, node.text, node.shape, node.parameters)]
    assert all(fact.origin.fields for fact in shown if fact is not None)
    assert isinstance(made.alt, Note)
    plain = "".join(part for part in made.alt.parts if isinstance(part, str))
    assert not any(sign.isdigit() for sign in plain)


def test_a_diagram_refuses_an_edge_to_nowhere_and_two_nodes_of_one_name():
    import pandas as pd

    node = Node("a", "stage", Fact("x", "A", "text"))
    with pytest.raises(InputError, match=r"no node 'b'.*\n?.*two nodes are named 'a'"):
        Diagram("d", (node, node), (Edge("a", "b"),), 3.5, 8.0, pd.DataFrame(), "")
