# SPDX-License-Identifier: Apache-2.0
freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
