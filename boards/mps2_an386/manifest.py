# SPDX-License-Identifier: Apache-2.0
include("$(PORT_DIR)/manifest.py")
