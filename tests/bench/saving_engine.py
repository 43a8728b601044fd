"""The engine, with a checkpoint after every epoch."""

from paper_kit.bench import run, train


def run_one(spec, store, resources, *, report, should_stop):
    train.SAVE_EVERY_S = 0.0
    return run.run_one(spec, store, resources, report=report, should_stop=should_stop)
