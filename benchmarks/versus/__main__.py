"""Images per second of paper_kit's training beside timm's loop, Lightning and the Hugging Face Trainer.

    python -m benchmarks.versus [--small] [--peers timm lightning hf] [--cases NAME ... | all] [--seconds S]
                                [--rounds R] [--device cuda] [--rewritten] [--accuracy]

Needs `pip install -e '.[bench]'`. Every contender trains the same model from the same first weights on the
same images with the same batch, augmentation, mixing, EMA, optimiser and cores; each number comes from a
fresh process, the contenders take turns round after round, and the median counts. Rates are those of steady
steps, after a warm-up and without ends of epochs (which would cost the peers more); start-up is shown beside.

`documented` is a peer as its documentation starts it; `best` has its best flags, of which a probe in the
first round picks the fastest. --rewritten adds, for information, a third: best flags, and the transforms
rewritten by hand. Targets: ours over the best peer as documented, geometric mean, at least 1.5 (3 on a GPU);
over each with its best flags at least 1.0 in every case, and 1.3 (geometric mean) over the cases in which the
peer reaches less than 0.9 of the bare step. The exit code is 1 where a target is missed. About 17 minutes
on 2 free CPU cores. --accuracy compares test accuracy after the same epochs instead (about 10 minutes).
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.versus import accuracy, cases
from benchmarks.versus.measure import PEERS, check_installed
from benchmarks.versus.ratios import BARE, OURS, findings
from benchmarks.versus.turns import Turn, ask, draw_faces
from paper_kit.bench.machine import cores
from paper_kit.core.errors import InputError

NAMES = {BARE: "bare", OURS: "ours"}
SAYS = (__doc__ or "").partition("\n")[0]
SMALL = {
    **{"cases": list(cases.SMALL), "seconds": 0.5, "rounds": 1, "warm": 0.2, "probe": 0.15, "repeats": 8},
    **{"epochs": 1, "seeds": [0, 1], "train": 256},
}


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.versus", description=SAYS)
    parser.add_argument("--small", action="store_true", help="one case, a second each: to see that it works")
    parser.add_argument("--peers", nargs="+", choices=sorted(PEERS), default=list(PEERS))
    parser.add_argument("--cases", nargs="+", choices=[*cases.MODELS, "all"])
    parser.add_argument("--seconds", type=float, default=2.5, help="steady steps of a measurement")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rewritten", action="store_true", help="also with transforms rewritten by hand")
    parser.add_argument("--accuracy", action="store_true", help="test accuracy after the same epochs instead")
    parser.add_argument("--epochs", type=int, default=10, help="of --accuracy")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="of --accuracy")
    parser.add_argument("--train", type=int, default=2400, help="training images of --accuracy")
    given = parser.parse_args(argv)
    given.warm, given.probe, given.repeats = 1.0, 0.8, cases.REPEATS[given.device]
    if not given.cases:
        given.cases = list(cases.FOR_ACCURACY if given.accuracy else cases.DEFAULT)
    elif "all" in given.cases:
        given.cases = list(cases.MODELS)
    if given.small:
        vars(given).update(SMALL)
    return given


def turns(given: argparse.Namespace) -> list[Turn]:
    """Who is measured in a round, in order."""
    configs = ["documented", "best", *(["rewritten"] if given.rewritten else [])]
    return [BARE, OURS, *((peer, config) for peer in given.peers for config in configs)]


def measured(given: argparse.Namespace, folder: Path) -> dict[str, dict[Turn, list[dict[str, Any]]]]:
    """Answers of each case and contender, a list over rounds; progress on stderr."""
    found: dict[str, dict[Turn, list[dict[str, Any]]]] = {
        case: {turn: [] for turn in turns(given)} for case in given.cases
    }
    for round_ in range(given.rounds):
        for case, of_case in found.items():
            for turn, answers in of_case.items():
                flags = answers[0]["flags"] if answers else {}
                if turn[1] == "rewritten":
                    flags = {**of_case[turn[0], "best"][0]["flags"], "quick": True}
                answers.append(ask(given, folder, case, turn, flags=flags))
                print(f"round {round_ + 1} {case} {'/'.join(turn)}: {_told(answers[-1])}", file=sys.stderr)
    return found


def _told(answer: dict[str, Any]) -> str:
    flags = answer["flags"]
    kind = ", mixed in the workers" if flags["collate_mixing"] else ""
    how = f"{flags['workers']} workers, {flags['threads']} threads{kind}"
    return f"{answer['rate']:.0f} images/s, first step after {answer['start']:.1f} s, {how}"


def print_tables(found: dict[str, dict[Turn, list[dict[str, Any]]]], given: argparse.Namespace) -> bool:
    """Whether every target is met; the tables are on stdout."""
    rates = {
        case: {turn: statistics.median(one["rate"] for one in answers) for turn, answers in of_case.items()}
        for case, of_case in found.items()
    }
    who = turns(given)
    starts = {turn: [one["start"] for of_case in found.values() for one in of_case[turn]] for turn in who}
    _table(
        f"images/s, median of {given.rounds} rounds",
        {case: {turn: f"{rate:.0f}" for turn, rate in row.items()} for case, row in rates.items()},
    )
    _table(
        "images/s of ours over each",
        {case: {turn: f"{row[OURS] / row[turn]:.2f}" for turn in who} for case, row in rates.items()},
    )
    _table(
        "seconds to the end of the first step (of `best` with its probe in the first round)",
        {"smallest": {turn: f"{min(starts[turn]):.1f}" for turn in who}},
    )
    lines = findings(rates, given.peers, given.device)
    for line in lines:
        value = f"{line.value:.2f} over {line.count} cases (target {line.target:.1f}): " if line.count else ""
        print(f"{line.what}: {value}{line.verdict}")
    return all(line.verdict != "MISSED" for line in lines)


def _table(title: str, rows: dict[str, dict[Turn, str]]) -> None:
    """Nothing; a table is on stdout."""
    names = {turn: NAMES.get(turn, " ".join(turn)) for turn in next(iter(rows.values()))}
    wide = max(len(case) for case in rows)
    print(f"{title}\n{'':{wide}}  " + "  ".join(f"{name:>7}" for name in names.values()))
    for case, row in rows.items():
        print(f"{case:{wide}}  " + "  ".join(f"{row[turn]:>{max(7, len(names[turn]))}}" for turn in names))
    print()


def print_machine(given: argparse.Namespace, versions: dict[str, str]) -> None:
    """Versions, device and threads, on stdout."""
    device = platform.machine()
    if given.device == "cuda":
        import torch

        device = torch.cuda.get_device_name()
    python = platform.python_version()
    print(f"\ndevice: {given.device} ({device}), {given.threads} cores for each; Python {python}")
    print(", ".join(f"{name} {version}" for name, version in sorted(versions.items())))


def compare(given: argparse.Namespace, folder: Path) -> bool:
    """Whether every target is met; whatever a library writes lies in the folder."""
    draw_faces(given, folder)
    if given.accuracy:
        fine, versions = accuracy.compare(given, folder)
    else:
        found = measured(given, folder)
        fine = print_tables(found, given)
        answers = [one for of_case in found.values() for each in of_case.values() for one in each]
        versions = {name: version for one in answers for name, version in one["versions"].items()}
    print_machine(given, versions)
    return fine


def main(argv: Sequence[str] | None = None) -> int:
    """0 where every target is met or, with --small, only tried; 1 where one is missed; 2 on a mistake."""
    given = arguments(argv)
    try:
        check_installed(given.peers)
        with tempfile.TemporaryDirectory(prefix="versus-") as name:
            fine = compare(given, Path(name))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if fine or given.small else 1


if __name__ == "__main__":
    sys.exit(main())
