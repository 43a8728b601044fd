"""Audits of a study: do its numbers agree with one another, with its declarations, and with its data?"""

from __future__ import annotations

from dataclasses import replace

from paper_kit.analysis import data_audits, run_audits
from paper_kit.analysis.audit_line import AuditLine, Piece
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts.audit import audit_of
from paper_kit.analysis.results import Results

__all__ = ["AuditLine", "audits", "audits_of_all"]


def audits_of_all(results: Results) -> tuple[AuditLine, ...]:
    """The lines of every experiment; those of a further one name it, and say nothing that was said before."""
    lines = list(audits(results))
    said = {(line.name, line.outcome, line.text) for line in lines}
    for plan in results.plans[1:]:
        name = plan.experiment.name
        for line in audits(results, name):
            if (line.name, line.outcome, line.text) not in said:
                parts = tuple(_of(name, part) for part in line.parts)
                lines.append(replace(line, name=f"{line.name} ({plan.experiment.called})", parts=parts))
    return tuple(lines)


def _of(experiment: str, part: Piece) -> Piece:
    """The part; a number that an audit counted has the experiment in its key."""
    if not isinstance(part, Fact) or not part.key.startswith("audit."):
        return part
    return replace(part, key=f"audit of {experiment}.{part.key.removeprefix('audit.')}")


def audits(results: Results, experiment: str = "") -> tuple[AuditLine, ...]:
    """The lines of the audit of one experiment, the main one for an empty name."""
    found = audit_of(results, experiment)
    models = results.plan(experiment).experiment.model
    return (
        run_audits.recalls(results, experiment),
        run_audits.ablations(results, experiment),
        run_audits.readings_of_test(results, experiment),
        data_audits.counts(results, experiment, found),
        data_audits.duplicates(results, experiment, found),
        *(data_audits.deduplicated(results, experiment, found, model.key) for model in models),
        data_audits.ceiling(results, experiment, found),
    )
