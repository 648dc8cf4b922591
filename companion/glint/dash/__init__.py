# SPDX-License-Identifier: Apache-2.0
"""`glint dash`: one pair of glasses in a browser, live."""
