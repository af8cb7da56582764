"""Updates are given as instances or as classes."""

import pytest

from sparsecode.updates import MOD, BlockUpdate, Update
from sparsecode.updates.base import resolve_update


def test_a_class_is_its_default():
    assert resolve_update(MOD) == MOD()
    update = BlockUpdate(n_sweeps=3)
    assert resolve_update(update) is update


@pytest.mark.parametrize("given", [Update, "mod", None, int, 3])
def test_anything_else_is_refused(given):
    with pytest.raises(TypeError, match=r"update is .*expected an Update, its class"):
        resolve_update(given)
