# SPDX-License-Identifier: Apache-2.0
"""The workbench's pytest plugin: tests of your own app on emulated or real glasses."""
