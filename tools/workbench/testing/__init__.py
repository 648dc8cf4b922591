# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin of the workbench: tests of one's own app on emulated or real glasses."""
