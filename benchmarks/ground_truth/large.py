"""Training curve of one encoder on the 16k preset, judged after so many samples.

It is made for long runs that may be broken off: what was trained is saved at every judgement, with
the scores, and the same command goes on from there. Run: ``python
benchmarks/ground_truth/large.py --rung "... and k annealed" --samples 5e7 [--folder .]``.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _common import quick_option
from _report import Report
from methods import LADDER, SETTINGS, Frozen, optimizer_of

from sparsecode import Dictionary
from sparsecode.datasets import FeatureMixture, make_feature_mixture
from sparsecode.metrics import recovery_summary
from sparsecode.training import TrainingState, train


@click.command()
@click.option("--preset", default="16k", show_default=True, type=click.Choice(list(SETTINGS)))
@click.option("--rung", default="BatchTopK", show_default=True, type=click.Choice(list(LADDER)))
@click.option("--samples", default=5e7, show_default=True, help="Samples of the whole training.")
@click.option("--every", default=5e5, show_default=True, help="Samples between two judgements.")
@click.option("--minutes", default=180.0, show_default=True, help="Time after which to stop.")
@click.option("--folder", default=".", type=click.Path(path_type=Path), help="For what is saved.")
@quick_option
def main(preset, rung, samples, every, minutes, folder, quick):
    """Print scores along the training of one encoder."""
    if quick:
        preset, samples, every = "1k", 8192, 4096
    setting, begin = SETTINGS[preset], time.perf_counter()
    n_steps, n_every = int(samples) // setting.batch_size, int(every) // setting.batch_size
    report = Report(
        f"Training curve, preset {preset}, {rung}, {int(samples):,} samples" + ", quick" * quick
    )
    mixture = _mixture(preset, folder, quick)
    encoder, loss = _pieces(rung, setting, n_steps)
    path = folder / f"state-{preset}-{rung.replace(' ', '-')}.safetensors"
    state = TrainingState.load(path, encoder) if path.exists() and not quick else None
    n_done = 0 if state is None else state.n_steps
    first = mixture.sample(8192, random_state=2).X
    states = ()
    if n_done < n_steps:
        start = Dictionary.random(
            setting.width, mixture.n_features, random_state=0, dtype=first.dtype
        ).replace(offset=first.mean(axis=0))
        batches = mixture.batches(
            setting.batch_size, n_batches=n_steps - n_done, start=n_done * setting.batch_size,
            random_state=1000,
        )  # fmt: skip
        states = train(
            encoder, start, batches, loss=loss, optimizer=optimizer_of(setting, n_steps),
            n_epochs=n_steps, steps_per_epoch=n_every, learn_dictionary=True, state=state,
            random_state=0,
        )  # fmt: skip
    columns = {"samples": "", "minutes": ".1f", "F1": ".3f", "preci-sion": ".3f", "recall": ".3f"}
    columns |= {"MCC": ".3f", "unique": ".3f", "dead %": ".1f", "expl. var.": ".3f", "l0": ".1f"}
    table = report.table("Scores along the training", columns)
    curve = path.with_suffix(".json")
    rows = json.loads(curve.read_text("utf-8")) if state is not None and curve.exists() else []
    for row in rows:
        table.row(*row)
    before = rows[-1][1] if rows else 0.0
    for state in states:
        if state.n_steps == n_done:
            continue
        trained = encoder.bind(state.params).set_buffers(first, state.dictionary)
        found = recovery_summary(
            Frozen(trained, state.dictionary), mixture, n_samples=1024 if quick else 50_000,
            random_state=1,
        )  # fmt: skip
        spent = (time.perf_counter() - begin) / 60
        samples = f"{state.n_steps * setting.batch_size:,}"
        rows.append([samples, before + spent, *_scores(found)])
        table.row(*rows[-1])
        if not quick:
            state.save(path)
            curve.write_text(json.dumps(rows), "utf-8")
        if spent > minutes:
            break
    table.end()
    report.finish()


def _scores(found):
    scores = (
        found.f1, found.precision, found.recall, found.mcc, found.uniqueness,
        100 * found.dead_fraction, found.explained_variance, found.l0,
    )  # fmt: skip
    return map(float, scores)


def _mixture(preset, folder, quick):
    """The mixture, which takes minutes to make, from its file if there is one."""
    path = folder / f"mixture-{preset}.safetensors"
    if quick:
        return make_feature_mixture(preset, n_steps=5, random_state=0)
    if not path.exists():
        make_feature_mixture(preset, random_state=0).save(path)
    return FeatureMixture.load(path)


def _pieces(rung, setting, n_steps):
    row = LADDER[rung]
    return row.encoder(setting, n_steps), row.loss(setting)


if __name__ == "__main__":
    main()
