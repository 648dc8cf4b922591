# SPDX-License-Identifier: Apache-2.0
"""`python -m glint` is the `glint` command."""

import sys

from glint.cli import main

sys.exit(main())
