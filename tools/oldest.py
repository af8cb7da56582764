"""Oldest versions that `setup.cfg` allows, as constraints for pip: ``tools/oldest.py > FILE``."""

import argparse
import configparser
import re
from pathlib import Path

SETUP = Path(__file__).parents[1] / "setup.cfg"
# What matplotlib 3.9 imports has deprecated since what it imports from there.
OF_THAT_TIME = ["pyparsing<3.3"]
BOUND = re.compile(r"(?P<name>[\w.-]+)>=(?P<version>[\w.]+)")


def oldest(extras):
    """Return the line ``name==version`` of every lower bound, of the package and of some extras."""
    options = configparser.ConfigParser()
    options.read(SETUP, encoding="utf-8")
    wanted = options["options"]["install_requires"].split()
    waiting = list(extras)
    while waiting:
        for line in options["options.extras_require"][waiting.pop()].split():
            others = re.fullmatch(r"sparsecode\[(.+)\]", line)
            if others:
                waiting += others[1].split(",")
            else:
                wanted.append(line)
    return [f"{b['name']}=={b['version']}" for b in map(_bound, wanted)] + OF_THAT_TIME


def _bound(line):
    found = BOUND.fullmatch(line)
    if found is None:
        raise ValueError(f"setup.cfg asks for {line!r}; expected name>=version.")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extras", nargs="*", help="extras whose libraries count, too")
    print(*oldest(parser.parse_args().extras), sep="\n")
