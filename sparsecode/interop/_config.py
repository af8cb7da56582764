"""JSON settings of a checkpoint."""

from __future__ import annotations

import json
import math
import numbers

from sparsecode._messages import shown
from sparsecode._reading.refusal import Refused, damaged, refusal
from sparsecode._reading.regular import open_regular, size_of

_MOST_BYTES = 2**24


def read_config(path):
    """Return the JSON object in the file at `path` as a dict."""
    try:
        with open_regular(path) as file:
            if size_of(file) > _MOST_BYTES:
                raise damaged(path, f"its {size_of(file)} bytes are too many for a settings file")
            config = json.loads(file.read())
    except (FileNotFoundError, IsADirectoryError):
        raise refusal(
            path,
            got="missing",
            expected="a file of settings beside the weights, which gives the architecture",
            remedy="Put both files in one folder.",
        ) from None
    except Refused:
        raise
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"it is not JSON ({error})") from error
    if not isinstance(config, dict):
        raise damaged(path, "it does not hold a JSON object")
    return config


def write_config(path, config):
    """Write a dict as a JSON file."""
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


class Settings:
    """Typed access to the settings of a file; errors about a wrong type name the setting."""

    def __init__(self, config, path):
        self.config = config
        self.path = path

    def integer(self, name, default=None, *, low=1):
        """Return a whole number of `low` or more; null counts as absent."""
        value = self.config.get(name)
        if value is None:
            return default
        whole = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not whole or not low <= value < 2**53 or value != int(value):
            self._refuse(name, value, f"a whole number of {low} or more")
        return int(value)

    def number(self, name, default=None, *, low=None):
        """Return a finite number above 0, or of `low` or more; null counts as absent."""
        value = self.config.get(name)
        if value is None:
            return default
        real = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not real or not math.isfinite(value) or (value <= 0 if low is None else value < low):
            expected = "a number above 0" if low is None else f"a number of {low} or more"
            self._refuse(name, value, expected)
        return value

    def flag(self, name, default):
        """Return a bool; null counts as absent."""
        value = self.config.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self._refuse(name, value, "true or false")
        return value

    def text(self, name, default=None):
        """Return a string; null counts as absent."""
        value = self.config.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            self._refuse(name, value, "a string")
        return value

    def section(self, name):
        """Return the settings of a section; one that is absent has none."""
        value = self.config.get(name)
        if value is not None and not isinstance(value, dict):
            self._refuse(name, value, "an object")
        return Settings(value or {}, self.path)

    def choice(self, name, choices, default=None):
        """Return one of these strings."""
        value = self.text(name, default)
        if value not in choices:
            self._refuse(name, value, " or ".join(map(repr, choices)))
        return value

    def only(self, name, *values):
        """Refuse a setting that is none of these values, absent or null."""
        value = self.config.get(name)
        if value is not None and value not in values:
            self._refuse(name, value, " or ".join(map(repr, values)))

    def _refuse(self, name, value, expected):
        raise refusal(
            f"{self.path}: {name}",
            got=shown(value),
            expected=expected,
            remedy="Use a model with these settings: other settings cannot be read.",
        )
