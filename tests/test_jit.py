"""The guarded disk cache: never a stale answer, never a crash, and the same without compiling."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numba
import numpy as np
import pytest

import sparsecode
from sparsecode import _kernel_cache
from sparsecode.penalties import L0
from sparsecode.solvers import FISTA, ISTA, ConjugateGradient
from sparsecode.testing import check_penalty, check_solver

pytestmark = pytest.mark.needs_jit("about the compiler")


def run(code, folder, **environment):
    """Output of a fresh Python with `folder` first on its path."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | environment
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n" + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def package(tmp_path):
    """A copy of the package that a test may edit."""
    copied = tmp_path / "copy" / "sparsecode"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(sparsecode.__file__).parent, copied, ignore=ignore)
    return copied


PROX = """
    import sparsecode, sys
    from sparsecode.penalties import L1
    from sparsecode.penalties._array_kernels import prox_array
    assert sparsecode.__file__.startswith(sys.path[0]), sparsecode.__file__
    print(L1(1.0).prox([[3.0]])[0, 0], sum(prox_array.stats.cache_hits.values()))
"""


def test_editing_a_callee_in_another_file_is_noticed(package, tmp_path):
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert run(PROX, package.parent, **cache).stdout.split() == ["2.0", "0"]
    assert run(PROX, package.parent, **cache).stdout.split() == ["2.0", "1"]
    # `prox_array` lives in _array_kernels.py; what it calls lives in l1.py.
    source = package / "penalties" / "l1.py"
    text = source.read_text()
    line = "return value - min(max(value, -threshold), threshold)"
    assert line in text
    source.write_text(text.replace(line, "return value - 2 * threshold"))
    assert run(PROX, package.parent, **cache).stdout.split() == ["1.0", "0"]


def test_no_folder_for_the_cache_costs_a_warning(package, tmp_path):
    """numba tries the folder of the user's choice, then the sources', then the home."""
    for folder in [package, *(path for path in package.rglob("*") if path.is_dir())]:
        (folder / "__pycache__").touch()
    code = """
        import warnings
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            import sparsecode
            assert not caught
            from sparsecode.penalties import L1
            print(L1(1.0).prox([[3.0]])[0, 0], L1(1.0).value([[3.0]])[0])
        print(len(caught), caught[0].message)
    """
    nowhere = dict.fromkeys(("NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME"), "/dev/null/x")
    answer, warned = run(code, package.parent, **nowhere).stdout.splitlines()
    assert answer == "2.0 3.0"
    assert warned.startswith("1 compiled kernels cannot be cached on disk")
    assert "Set NUMBA_CACHE_DIR to a folder that can be written" in warned


@pytest.mark.parametrize("below", ["a-file/cache", "/dev/null/x"])
def test_a_chosen_folder_that_cannot_be_written_is_no_crash(tmp_path, below):
    (tmp_path / "a-file").touch()
    code = """
        from sparsecode.penalties import L1
        print(L1(1.0).prox([[3.0]])[0, 0])
    """
    assert run(code, tmp_path, NUMBA_CACHE_DIR=str(tmp_path / below)).stdout.strip() == "2.0"


def test_a_cache_that_goes_away_costs_a_warning(package, tmp_path):
    cache = tmp_path / "cache"
    code = f"""
        import pathlib, shutil, warnings
        from sparsecode.penalties import L1
        shutil.rmtree({str(cache)!r})
        pathlib.Path({str(cache)!r}).touch()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            print(L1(1.0).prox([[3.0]])[0, 0])
        print(*(warning.category.__name__ for warning in caught))
    """
    result = run(code, package.parent, NUMBA_CACHE_DIR=str(cache))
    assert result.stdout.split() == ["2.0", "RuntimeWarning"]


def test_a_damaged_cache_is_not_a_crash(package, tmp_path):
    """Machine code of another signature, or with a wrong bit, once ended the process."""
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    run(PROX, package.parent, **environment)
    single = PROX.replace("[[3.0]]", "__import__('numpy').float32([[3.0]])")
    run(single, package.parent, **environment)
    paths = sorted((tmp_path / "cache").rglob("*.nbc"))
    contents = [path.read_bytes() for path in paths]
    assert len(paths) > 1
    for path, other in zip(paths, contents[1:] + contents[:1], strict=True):
        path.write_bytes(other)
    assert run(PROX, package.parent, **environment).stdout.split() == ["2.0", "0"]
    for path in paths:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    for hits in ("0", "1"):
        assert run(PROX, package.parent, **environment).stdout.split() == ["2.0", hits]


def test_every_single_bit_of_a_cached_file_counts(tmp_path):
    files = _kernel_cache.SealedFiles(str(tmp_path), "kernel", _kernel_cache.__file__)
    files.save("signature", b"machine code")
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    assert files.load("signature") == b"machine code"
    for i in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[i // 8] ^= 1 << i % 8
        path.write_bytes(damaged)
        assert files.load("signature") is None
    for damaged in (b"", content[:40], content + b"\0", b"noise" * 100):
        path.write_bytes(damaged)
        assert files.load("signature") is None
    path.write_bytes(content)
    assert files.load("signature") == b"machine code"
    assert files.load("another") is None


def test_a_file_serves_its_own_function_sources_and_signature(tmp_path, monkeypatch):
    source = _kernel_cache.__file__
    ours, others = (_kernel_cache.SealedFiles(str(tmp_path), name, source) for name in ("f", "g"))
    ours.save("signature", b"ours")
    others.save("signature", b"others")
    mine, theirs = sorted(tmp_path.iterdir())
    content = mine.read_bytes()
    theirs.write_bytes(content)
    assert ours.load("signature") == b"ours" and others.load("signature") is None
    monkeypatch.setattr(_kernel_cache, "_sources_stamp", lambda *paths: "other sources")
    assert ours.load("signature") is None


def test_a_kernel_depends_on_what_its_file_imports_and_on_all_penalties():
    package = Path(_kernel_cache.__file__).parent
    solver = package / "solvers" / "coordinate_descent" / "solver.py"
    found = {str(path.relative_to(package)) for path in _kernel_cache.sources_of(solver)}
    # Directly, through other files, from the package by name, and penalties of no import of theirs.
    assert {
        "solvers/coordinate_descent/solver.py",
        "_jit.py",
        "_simd.py",
        "penalties/mcp.py",
    } <= found
    assert not any(name.startswith(("estimators", "interop", "cli", "encoders")) for name in found)
    everything = {path for path in package.rglob("*.py") if "_jit" in path.read_text()}
    for path in everything:
        assert path in _kernel_cache.sources_of(path)


FOREIGN = '''
"""A penalty that is not part of the package: the ridge."""
from collections import namedtuple

from sparsecode.penalties import Penalty


class Ridge(Penalty, namedtuple("Ridge", ["alpha"], defaults=(1.0,))):
    """g(z) = alpha / 2 ||z||^2."""

    __slots__ = ()
    convex = True
    smooth = True

    @staticmethod
    def _value(penalty, code, j):
        return penalty.alpha * code * code / 2

    @staticmethod
    def _prox(penalty, value, step, j):
        return value / (1 + FACTOR * penalty.alpha * step)

    @staticmethod
    def _grad(penalty, code, j):
        return penalty.alpha * code

    @staticmethod
    def _curvature(penalty, code, j):
        return penalty.alpha * code, penalty.alpha, penalty.alpha

    @staticmethod
    def _conjugate(penalty, correlation, j):
        return correlation * correlation / (2 * penalty.alpha) if penalty.alpha > 0 else 0.0

    @staticmethod
    def _dual_excess(penalty, correlation, j):
        if penalty.alpha > 0 or correlation == 0:
            return 0.0
        return float("inf")
'''


@pytest.fixture
def ridge(tmp_path, monkeypatch):
    (tmp_path / "foreign_ridge.py").write_text(FOREIGN.replace("FACTOR", "1"))
    monkeypatch.syspath_prepend(tmp_path)
    import foreign_ridge

    yield foreign_ridge.Ridge
    sys.modules.pop("foreign_ridge")


def test_a_penalty_from_elsewhere_works_with_every_solver(ridge, rng):
    check_penalty(ridge(0.7))
    for solver in (FISTA(), ConjugateGradient()):
        check_solver(solver, penalties=[ridge(0.7)])
    X, atoms = rng.standard_normal((3, 4)), rng.standard_normal((5, 4))
    expected = np.linalg.solve(atoms @ atoms.T + 0.7 * np.eye(5), atoms @ X.T).T
    codes = ISTA(tol=1e-10, max_iter=50_000).solve(X, atoms, ridge(0.7)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-4)


def test_a_penalty_from_elsewhere_goes_around_the_cache(ridge, monkeypatch):
    saved = []
    monkeypatch.setattr(
        numba.core.caching.FunctionCache, "save_overload", lambda self, *args: saved.append(args)
    )
    ridge(0.7).prox(np.eye(2, dtype=np.float32))
    assert saved == []


def test_a_class_defined_again_is_not_mistaken_for_the_first(tmp_path):
    """As in a notebook's cell that is edited and run again; or one named like ours."""
    answers = []
    for name, factor in (("Ridge", "1"), ("Ridge", "3"), ("L0", "1")):
        scope = {"__name__": "__main__"}
        code = FOREIGN.replace("FACTOR", factor).replace("Ridge", name)
        exec(compile(code, "<cell>", "exec"), scope)
        penalty = scope[name](1.0)
        codes = ISTA(max_iter=1, tol=0).solve([[2.0]], [[1.0]], penalty).codes
        answers += [penalty.prox([[6.0]])[0, 0], codes[0, 0].round(4)]
    assert answers == [3.0, 1.0, 1.5, 0.5, 3.0, 1.0]
    assert L0(0.5).prox([[2.0]]) == 2


def test_an_edited_or_missing_penalty_from_elsewhere_is_noticed(tmp_path):
    """Also by the kernels that kernels call; and it leaves nothing in the cache of others."""
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    code = """
        from foreign_ridge import Ridge
        from sparsecode.solvers import ISTA
        print(Ridge(1.0).prox([[6.0]])[0, 0])
        result = ISTA(max_iter=1, tol=0).solve([[2.0]], [[1.0]], Ridge(1.0), record=True)
        print(round(result.history["objective"][-1, 0], 4))
    """
    source = FOREIGN.replace("FACTOR", "1")
    (tmp_path / "foreign_ridge.py").write_text(source)
    # z = 2 / (1 + 1), objective 1/2 (2 - 1)^2 + 1/2.
    assert run(code, tmp_path, **environment).stdout.split() == ["3.0", "1.0"]
    edited = source.replace("1 * penalty.alpha", "3 * penalty.alpha").replace("/ 2\n", "* 2\n")
    (tmp_path / "foreign_ridge.py").write_text(edited)
    # z = 2 / (1 + 3), objective 1/2 (2 - 1/2)^2 + 2/4.
    assert run(code, tmp_path, **environment).stdout.split() == ["1.5", "1.625"]
    (tmp_path / "foreign_ridge.py").unlink()
    assert run(PROX_OF_OURS, tmp_path, **environment).stdout.strip() == "2.0 1.5"


PROX_OF_OURS = """
    from sparsecode.penalties import L1
    from sparsecode.solvers import ISTA
    codes = ISTA().solve([[2.0]], [[1.0]], L1(0.5)).codes
    print(L1(1.0).prox([[3.0]])[0, 0], codes.round(4)[0, 0])
"""


def test_a_cache_of_a_version_with_other_classes_is_not_a_crash(package, tmp_path):
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    run(PROX, package.parent, **cache)
    source = package / "penalties" / "l1.py"
    source.rename(source.with_name("lasso.py"))
    for path in package.rglob("*.py"):
        path.write_text(path.read_text().replace("penalties.l1", "penalties.lasso"))
    for hits in ("0", "1"):
        assert run(PROX, package.parent, **cache).stdout.split() == ["2.0", hits]


def test_the_same_answers_without_the_compiler(tmp_path):
    code = """
        import numpy as np
        from sparsecode import Dictionary
        from sparsecode.penalties import L1, Cauchy, LogSum
        from sparsecode.solvers import FISTA, ISTA, ConjugateGradient
        rng = np.random.default_rng(0)
        X, D = rng.standard_normal((2, 4)), Dictionary.random(6, 4, random_state=0)
        codes = [
            solver.solve(X.astype(dtype), D.astype(dtype), penalty).codes
            for penalty in (L1(0.3), LogSum(0.2), Cauchy(0.2))
            for solver in (FISTA(max_iter=9, tol=0), ISTA(max_iter=9, tol=0))
            for dtype in (np.float64, np.float32)
        ]
        codes.append(ConjugateGradient(max_iter=9, tol=0).solve(X, D, Cauchy(0.2)).codes)
        print(repr(np.array(codes).tolist()))
    """
    plain = run(code, tmp_path, NUMBA_DISABLE_JIT="1").stdout
    compiled = run(code, tmp_path).stdout
    # 1 part in 1e6 for the float32 half of them.
    parse = lambda text: np.array(eval(text))  # noqa: E731
    np.testing.assert_allclose(parse(compiled), parse(plain), rtol=1e-4, atol=1e-5)


def test_the_second_process_finds_every_kernel_and_the_same_bits(tmp_path):
    """Rounding must not depend on whether a kernel was just compiled or came from the disk."""
    code = """
        import hashlib
        import numpy as np
        from sparsecode import Dictionary
        from sparsecode.penalties import L1
        from sparsecode.solvers import FISTA
        from sparsecode.solvers.proximal_gradient.fista import _fista_rows
        X = np.random.default_rng(0).standard_normal((300, 6))
        dictionary = Dictionary.random(9, 6, random_state=0)
        result = FISTA(max_iter=20, tol=0).solve(X, dictionary, L1(0.3), record=True)
        print(sum(_fista_rows.stats.cache_misses.values()))
        print(hashlib.sha256(result.codes.tobytes()).hexdigest())
        print(hashlib.sha256(result.history["objective"].tobytes()).hexdigest())
    """
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    first, second = (run(code, tmp_path, **environment).stdout.split() for _ in range(2))
    assert (first[0], second[0]) == ("1", "0")
    assert first[1:] == second[1:]


def test_import_does_not_need_a_home(tmp_path):
    result = run("import sparsecode; print(sparsecode.__version__)", tmp_path, HOME="/dev/null")
    assert result.stdout.strip() == sparsecode.__version__
