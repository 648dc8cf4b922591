# SPDX-License-Identifier: Apache-2.0
"""A sweep tests many cases of one kind: all in `make test-all`, a seeded share in `make test`."""

import os
import random

WHOLE = bool(os.environ.get("GLINT_TEST_ALL"))


def share(cases, count):
    """All of `cases` in `make test-all`; else `count` of them, the same ones in every run."""
    cases = list(cases)
    if WHOLE or len(cases) <= count:
        return cases
    chosen = sorted(random.Random(len(cases)).sample(range(len(cases)), count))
    return [cases[i] for i in chosen]
