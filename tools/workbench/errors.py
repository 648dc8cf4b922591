# SPDX-License-Identifier: Apache-2.0
"""The base of the workbench's errors; the command line prints any of them as one clear line."""

from glint.errors import GlintError


class WorkbenchError(GlintError):
    """Something about sources, builds, models, emulated boards or files that the user can mend."""
