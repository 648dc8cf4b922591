# SPDX-License-Identifier: Apache-2.0
"""The companion of Glint glasses: events, photos and audio over Bluetooth LE."""
