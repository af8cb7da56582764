"""The smallest real call of every public class and function, found in `__all__`.

A new public name is called too, without an edit here, if what it needs has the usual names; if not,
`test_parameters.py` asks for a line in one of the tables below.
"""

import functools
import importlib
import inspect
import pkgutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.base import is_classifier

import sparsecode
from sparsecode import (
    Dictionary,
    certify,
    datasets,
    estimators,
    interop,
    model_selection,
    ops,
    receptive_fields,
    schedules,
    training,
)
from sparsecode.applications import FilterBank
from sparsecode.compare import amortization_report
from sparsecode.constraints import Constraint, UnitNorm
from sparsecode.convolutional import (
    ConvolutionalDictionary,
    ConvolutionalFISTA,
    ConvolutionalLISTA,
    LocallyGreedy,
)
from sparsecode.data_terms import DataTerm, Huber, encode
from sparsecode.encoders import (
    LISTA,
    Encoder,
    Exact,
    Gated,
    JumpReLU,
    ReLU,
    Sigmoid,
    Thresholding,
    TopK,
    TrainableEncoder,
)
from sparsecode.learning import alternate
from sparsecode.losses import AutoencoderLoss, KLDivergence, LassoLoss, Loss, SupervisedLoss, Term
from sparsecode.model_selection import selection_curve
from sparsecode.optimizers import Optimizer
from sparsecode.penalties import L1, Cauchy, KSparse, Penalty
from sparsecode.prediction import PredictionLoss
from sparsecode.replacement import ReplaceAtoms, ReplaceUnits
from sparsecode.solvers import FISTA, Solver, choose_solver
from sparsecode.training import Batch, Stage, train
from sparsecode.updates import BlockUpdate, GainControl, GradientUpdate, Update

_rng = np.random.default_rng(0)
X = _rng.standard_normal((6, 4))
D = Dictionary(np.linalg.qr(_rng.standard_normal((5, 4)))[0])
LABELS = ["a", "b", "a", "b", "a", "b"]
CODES = np.where(_rng.random((6, 5)) < 0.5, 0.0, _rng.standard_normal((6, 5)))
IMAGE = _rng.random((12, 12))
MASK = _rng.random((12, 12)) < 0.9
FOLDER = Path(tempfile.mkdtemp(prefix="sparsecode-parameters-"))
np.save(FOLDER / "image.npy", IMAGE)
interop.write_checkpoint(
    interop.Checkpoint("ReLU", W=D.atoms, atoms=D.atoms, b=np.zeros(5)),
    FOLDER / "model",
    "sae_lens",
)

_mixture = datasets.make_feature_mixture(
    n_components=20, n_features=4, n_roots=0, n_steps=0, random_state=0
)

# Made by functions and read by users, who have no reason to call their constructors.
RETURNED = {
    "AmortizationReport",
    "Certificate",
    "CodeGradient",
    "CodingPath",
    "ConvolutionalResult",
    "DensityHistogram",
    "DetectionScores",
    "EncoderScores",
    "FeatureMixture",
    "FeatureSamples",
    "FitSummary",
    "GaborFits",
    "JointCertificate",
    "JointResult",
    "LayerReport",
    "LearningState",
    "LossContext",
    "LossRecovered",
    "LossResult",
    "MatchedEncoder",
    "RecoverySummary",
    "ReceptiveFieldStatistics",
    "ReplacementStats",
    "SelectionCurve",
    "SolveResult",
    "SparseSignals",
    "Stability",
    "SupportScores",
    "TermCertificate",
    "TermResult",
    "TrainingState",
    "Usage",
}
ABSTRACT = {Constraint, DataTerm, Encoder, Loss, Optimizer, Penalty, PredictionLoss}
ABSTRACT |= {Solver, Term, TrainableEncoder, Update}
# What only another function makes, what is documented as ignored, and open lists of arguments.
OPAQUE = {"cache", "y", "callback"}

# Parameters whose right values take long: those of thorough checks.
SLOW = {
    ("testing.check_encoder", "n_samples"),
    ("testing.check_encoder", "random_state"),
    ("testing.check_solver", "n_samples"),
    ("testing.check_solver", "random_state"),
    ("testing.check_solver", "penalties"),
}

# What a parameter without a default is given, by its name.
ARGUMENTS = {
    "X": X,
    "X_hat": X + 0.1,
    "dictionary": D,
    "penalty": L1(0.1),
    "data_term": Huber(0.5),
    "codes": CODES,
    "dcodes": CODES,
    "truth": CODES,
    "atoms": D.atoms,
    "image": IMAGE,
    "images": [IMAGE],
    "array": IMAGE,
    "arrays": [IMAGE],
    "signal": IMAGE,
    "source": X,
    "mask": MASK,
    "sigma": 0.1,
    "alpha": 0.1,
    "patch_size": 3,
    "n_patches": 10,
    "encoder": Exact(L1(0.1), FISTA()),
    "solver": FISTA(),
    "target_l0": 2.0,
    "n_components": 4,
    "atoms_per_class": 2,
    "n_samples": 6,
    "n_layers": 2,
    "init": "samples",
    "loss": LassoLoss(L1(0.1)),
    "batches": [X],
    "update": BlockUpdate(),
    "history": {"objective": np.array([3.0, 2.0, 1.0])},
    "constraint": UnitNorm(),
    "grads": {"W": np.ones((2, 2))},
    "V": CODES,
    "A": CODES,
    "W": np.ones((4, 3)),
    "theta": np.full(5, 0.1),
    "k": 2,
    "n_selected": 1,
    "bandwidth": 0.5,
    "r": np.ones(5),
    "b_gate": np.zeros(5),
    "b_mag": np.zeros(5),
    "paths": [str(FOLDER / "image.npy")],
    "estimator": estimators.DictionaryLearning(5, n_epochs=1, random_state=0),
    "model_loss": lambda X: float(np.sum(X**2)),
    "reconstruct": 0.9 * X,
    "shape": (12, 12),
    "center_x": 1.0,
    "center_y": 1.0,
    "orientation": 0.0,
    "frequency": 0.2,
    "width_x": 1.0,
    "width_y": 1.0,
    "patch_shape": (3, 3),
    "architecture": "ReLU",
    "checkpoint": interop.Checkpoint("ReLU", W=D.atoms, atoms=D.atoms, b=np.zeros(5)),
    "path": str(FOLDER / "weights.npz"),
    "forward": ops.tanh_forward,
    "backward": ops.tanh_backward,
    "function": np.square,
    "random_state": 0,
    "mixture": _mixture,
    "whitening": datasets.ImageScaling().fit([IMAGE]),
}
# What keeps a call small, for parameters that have another default.
SMALL = {
    "n_epochs": 1,
    "n_iter": 1,
    "n_iters": (1, 2),
    "n_repeats": 1,
    "max_iter": 20,
    "n_layers": 2,
    "batch_size": 3,
    "patch_size": 3,
    "n_components": 4,
    "n_features": 4,
    "n_patches": 20,
    "alphas": 3,
    "hidden": (3,),
    "k": 2,
    "every": 2,
    "target": 2.0,
    "random_state": 0,
    "transform_max_iter": 20,
    "n_jobs": 1,
}
# What one name needs that others do not.
SPECIAL = {
    "applications.FilterBank": {"patch_size": 2},
    "applications.learn_patch_dictionary": {"n_components": 10},
    "convolutional.ConvolutionalDictionaryLearning": {"support": 3, "n_components": 2},
    "convolutional.ConvolutionalSparseCoder": {"dictionary": np.ones((2, 1, 3)), "solver": None},
    "datasets.reconstruct_from_patches": {
        "X": datasets.extract_patches(IMAGE, 3),
    },
    "datasets.make_feature_mixture": {
        "n_components": 40,
        "n_roots": 2,
        "depth": 1,
        "compensate": False,
        "n_steps": 2,
    },
    "datasets.make_sparse_signals": {"n_nonzero": 2},
    "joint.joint_omp": {"n_nonzero": 2},
    "encoders.LeaveOneOut": {"encoder": TopK(k=2)},
    "encoders.Refined": {"encoder": TopK(k=2)},
    "dropin.sparse_encode": {"dictionary": D.atoms},
    "dropin.SparseCoder": {"dictionary": D.atoms},
    "model_selection.EqualSparsityScorer": {"n_nonzero": 2},
    "model_selection.fit_many": {
        "models": [estimators.SparseAutoencoder(3, random_state=0, n_jobs=1)],
        "y": None,
    },
    "model_selection.probe_scores": {"features": [0], "n_samples": 50, "n_test": 50},
    "model_selection.selection_curve": {"n_components": [3, 4], "alphas": [0.1]},
    "interop.read_checkpoint": {"path": str(FOLDER / "model"), "format": "sae_lens"},
    "interop.write_checkpoint": {"path": str(FOLDER / "written"), "format": "sae_lens"},
    "metrics.atom_mcc": {"truth": D.atoms},
    "metrics.atom_mmcs": {"truth": D.atoms},
    "metrics.atom_recovery": {"truth": D.atoms},
    "metrics.nearest_atoms": {"truth": D.atoms},
    "metrics.uniqueness": {"truth": D.atoms},
    "metrics.recovery_summary": {"model": Exact(L1(0.1), FISTA()), "dictionary": D},
    "metrics.stability": {"models": [D, D.atoms[::-1]]},
    "ops.gated_forward": {"r": np.ones(5)},
    "testing.gradcheck": {"backward": lambda upstream, x: 2 * upstream * x},
    "testing.check_solver": {"penalties": [L1(0.2)], "n_samples": 3},
    "testing.check_encoder": {"encoder": Thresholding(L1(0.1))},
    "interop.Checkpoint": {"W": D.atoms, "b": np.zeros(5), "k": None},
    "initialization.class_balanced_dictionary": {"y": LABELS},
    "initialization.initial_offset": {"init": "mean"},
    "replacement.ReplaceAtoms": {"patience": 1.0},
    "training.train": {"encoder": LISTA(L1(0.1), n_layers=2), "target": None},
    "training.Batch": {"target": None},
    "estimators.OlshausenField": {"n_components": 4},
    "estimators.PatchFeatures": {
        "patch_size": 2,
        "levels": 1,
        "image_shape": (2, 2),
        "n_patches": 6,
    },
}
_LAZY = {
    "plotting.plot_activations": lambda: {"codes": np.eye(3)[:, :2], "X": np.ones((1, 4))},
    "plotting.plot_atoms": lambda: {"atoms": _rng.standard_normal((3, 9))},
    "plotting.plot_ladder": lambda: {"report": _report()},
    "plotting.plot_pareto": lambda: {"report": _report()},
    "plotting.plot_selection": lambda: {"curve": _curve()},
    "plotting.plot_gabor_statistics": lambda: {"fits": _fits()},
    "plotting.plot_waveforms": lambda: {"dictionary": _rng.standard_normal((2, 1, 5))},
    "receptive_fields.receptive_field_statistics": lambda: {"fits": _fits()},
    "receptive_fields.fit_gabors": lambda: {"atoms": _gabors()},
    "receptive_fields.spatial_frequency": lambda: {"atoms": _gabors()},
}


class Call(NamedTuple):
    """One public name, the arguments of its smallest call, and what calls it."""

    name: str
    arguments: dict
    parameters: dict
    run: Callable


class Solved(NamedTuple):
    """What a solver was given, and what it found."""

    solver: Solver
    penalty: Penalty
    codes: np.ndarray
    n_iter: np.ndarray
    converged: np.ndarray
    tol: float


class NotCovered(Exception):
    """A public name that no table says how to call."""


@functools.cache
def public():
    """Every public class and function by its name, such as ``solvers.FISTA``."""
    modules = [m.name for m in pkgutil.iter_modules(sparsecode.__path__) if m.name[0] != "_"]
    found = {}
    for module_name in [m for m in modules if m != "cli"] + [""]:
        full = f"sparsecode.{module_name}".rstrip(".")
        module = importlib.import_module(full)
        names = getattr(module, "__all__", None) or [
            name for name, value in vars(module).items() if _is_own(name, value, full)
        ]
        for name in names:
            value = getattr(module, name)
            if callable(value) and value not in found.values():
                found[f"{module_name}.{name}".lstrip(".")] = value
    return found


def _is_own(name, value, module):
    return name[0] != "_" and getattr(value, "__module__", None) == module


def is_used(value):
    """Whether users call it, and with more than what another function made."""
    name = value.__name__
    return not (value in ABSTRACT or name in RETURNED or name.endswith("_backward"))


def call_of(name):
    """The smallest call of one public name."""
    value = public()[name]
    special = SPECIAL.get(name, {}) | _LAZY.get(name, dict)()
    given, parameters = {}, {}
    for parameter in inspect.signature(value).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        key, default = parameter.name, parameter.default
        if key in special:
            given[key] = special[key]
        elif key in SMALL and default is not parameter.empty and _fits_default(default):
            given[key] = SMALL[key]
        elif default is parameter.empty and key in ARGUMENTS:
            given[key] = ARGUMENTS[key]
        elif default is parameter.empty:
            raise NotCovered(f"{name} needs {key}: add it to ARGUMENTS, or {name} to SPECIAL")
        if key not in OPAQUE:
            parameters[key] = given.get(key, default)
    return Call(name, given, parameters, _runner(name, value))


def _fits_default(default):
    return default is None or isinstance(default, (int, float, tuple))


def _runner(name, value):
    if name in ("testing.check_op", "testing.gradcheck"):
        return lambda **given: value(*_first_two(given), CODES, **given)
    if not inspect.isclass(value):
        return lambda **given: _finish(value(**given))
    for base, use in USES.items():
        if issubclass(value, base):
            return lambda **given: use(value(**given))
    if hasattr(value, "fit"):
        return lambda **given: _use_estimator(value(**given))
    raise NotCovered(f"{name} is a class that no line of USES can use: add one for it or its base")


def _first_two(given):
    return given.pop(next(iter(given))), given.pop(next(iter(given)))


def _finish(result):
    return list(result) if inspect.isgenerator(result) else result


def _use_solver(solver):
    for penalty in (L1(0.1), KSparse(2), Cauchy(0.1)):
        try:
            type(solver)().check_penalty(penalty)
        except TypeError:
            continue
        result = solver.solve(X, D, penalty, n_jobs=1)
        found = result.codes, result.n_iter, result.converged, result.tol
        return Solved(solver, penalty, *found)
    raise NotCovered(f"no penalty for {solver}")


def _use_encoder(encoder):
    if not isinstance(encoder, TrainableEncoder) or encoder.params is not None:
        return encoder.encode(X, D, n_jobs=1)
    params = encoder.init(D, random_state=0)
    training = {"training": True} if encoder.depends_on_batch else {}
    codes, cache = encoder.forward(params, X, D, **training)
    return codes, params, encoder.backward(np.ones(codes.shape), cache)


def _trained(encoder=None, loss=None, data=None, **options):
    loss = AutoencoderLoss([L1(0.1)]) if loss is None else loss
    settings = {"n_epochs": 1, "batch_size": 3, "random_state": 0, "learn_dictionary": True}
    *_, last = train(
        encoder or TopK(k=2), D, X if data is None else data, loss=loss, **(settings | options)
    )
    return last.params, last.dictionary.atoms


def _use_loss(loss):
    if isinstance(loss, Term):
        loss = AutoencoderLoss([loss])
    if isinstance(loss, (LassoLoss, SupervisedLoss)):
        target = CODES if loss.uses_target else None
        return _trained(LISTA(L1(0.1), n_layers=2), loss, target=target)
    needs = [name for term in loss.resolved() for name in getattr(term, "needs", ())]
    encoders = (Sigmoid(), ReLU(), JumpReLU(), Gated())
    fitting = [encoder for encoder in encoders if set(needs) <= set(encoder.signal_names)]
    is_probability = any(isinstance(term, KLDivergence) for term in loss.resolved())
    return _trained(fitting[0 if is_probability or len(fitting) == 1 else 1], loss)


def _learned(update=None, replacement=None):
    update = BlockUpdate() if update is None else update
    *_, last = alternate(
        Exact(L1(0.1)), D, [X, X], update=update, replacement=replacement, n_jobs=1
    )
    return last.dictionary.atoms, last.objective


def _use_penalty(penalty):
    codes = choose_solver(penalty).solve(X, D, penalty, n_jobs=1).codes
    certificate = certify(X, codes, D, penalty, n_jobs=1)
    return codes, certificate.objective, penalty.prox(CODES, 0.5), penalty.value(CODES)


def _use_estimator(estimator):
    if isinstance(estimator, datasets.OlshausenFieldWhitening | datasets.ImageScaling):
        return estimator.fit([IMAGE]).transform([IMAGE])
    if is_classifier(estimator):
        fitted = estimator.fit(X, LABELS)
        return fitted.transform(X), fitted.decision_function(X), fitted.predict(X)
    fitted = estimator.fit(X, X) if hasattr(estimator, "predict") else estimator.fit(X)
    judge = getattr(fitted, "transform", None) or fitted.score_samples
    return judge(X)


USES = {
    DataTerm: lambda term: encode(np.abs(X), np.abs(D.atoms), term, L1(0.1, positive=True)).codes,
    estimators.PoissonDictionaryLearning: lambda e: e.fit(np.abs(X)).transform(np.abs(X)),
    PredictionLoss: lambda loss: loss.value(np.zeros((2, 3)), loss.encode(np.array([0, 2]), 3)),
    datasets.Patches: lambda patches: patches.average(patches.blocks(20)),
    Solver: _use_solver,
    Encoder: _use_encoder,
    Loss: _use_loss,
    Term: _use_loss,
    Optimizer: lambda optimizer: _trained(
        LISTA(L1(0.1), n_layers=2), LassoLoss(L1(0.1)), optimizer=optimizer, learn_dictionary=False
    ),
    Update: _learned,
    Penalty: _use_penalty,
    Constraint: lambda constraint: Dictionary(D.atoms, None, constraint).atoms,
    ReplaceAtoms: lambda policy: _learned(replacement=policy),
    ReplaceUnits: lambda policy: _trained(replacement=policy),
    FilterBank: lambda bank: bank.encode(IMAGE, step=2, n_jobs=1),
    GainControl: lambda control: _learned(GradientUpdate(gain_control=control)),
    Stage: lambda stage: _trained(
        LISTA(L1(0.1), n_layers=2), LassoLoss(L1(0.1)), stages=[stage], learn_dictionary=False
    ),
    Batch: lambda batch: _trained(data=iter([batch])),
    ConvolutionalFISTA: lambda solver: solver.solve(X, np.ones((2, 1, 3)), L1(0.1), n_jobs=1).codes,
    ConvolutionalLISTA: lambda network: network.encode(X, np.ones((2, 1, 3))),
    LocallyGreedy: lambda solver: solver.solve(X, np.ones((2, 1, 3)), L1(0.1), n_jobs=1).codes,
    ConvolutionalDictionary: lambda dictionary: dictionary.correlate(np.ones((1, 1, 9))),
    Dictionary: lambda dictionary: (dictionary.atoms, dictionary.decode(CODES)),
}
_CORRUPTIONS = ("GaussianNoise", "MaskingNoise", "SaltAndPepper")
for _name in _CORRUPTIONS:
    USES[getattr(training, _name)] = lambda noise: _trained(corrupt=noise)
_SCHEDULES = ("Constant", "GeometricDecay", "Linear", "Cosine", "InverseTime", "Step", "WarmUp")
for _schedule in _SCHEDULES:
    USES[getattr(schedules, _schedule)] = lambda s: [s(step) for step in range(5)]
USES[training.NormOutliers] = lambda policy: _use_estimator(
    estimators.SparseAutoencoder(3, outliers=policy, n_epochs=1, random_state=0)
)
for _scorer in ("CodeLengthScorer", "MissingEntriesScorer", "EqualSparsityScorer"):
    USES[getattr(model_selection, _scorer)] = lambda scorer: scorer(
        estimators.SparseCoder(D, alpha=0.1).fit(X), X
    )
USES[interop.Checkpoint] = lambda checkpoint: checkpoint.standardize(X)


def _report():
    return amortization_report(X, D, L1(0.1), n_iters=(1,), n_repeats=1, n_jobs=1)


def _curve():
    estimator = estimators.DictionaryLearning(4, n_epochs=1, random_state=0, n_jobs=1)
    return selection_curve(estimator, X, n_components=[3, 4], alphas=[0.1])


def _gabors():
    settings = {"center_x": 3.0, "center_y": 3.0, "orientation": 0.5, "frequency": 0.2}
    return receptive_fields.gabor_patches((7, 7), width_x=1.5, width_y=1.5, **settings)[None]


def _fits():
    return receptive_fields.fit_gabors(_gabors(), (7, 7), n_jobs=1)
