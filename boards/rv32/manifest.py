# SPDX-License-Identifier: Apache-2.0
# Nothing is frozen: what runs here is sent.
