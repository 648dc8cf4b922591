# SPDX-License-Identifier: Apache-2.0
"""How Sphinx builds the documentation: `make docs`."""

project = "Glint"
author = "The Glint authors"
html_title = "Glint"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence"]
# Links to headings work as they do on a forge.
myst_heading_anchors = 3
exclude_patterns = ["README.md"]

html_theme = "furo"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
# Attributes of several classes have the names of builtins.
suppress_warnings = ["ref.python"]
