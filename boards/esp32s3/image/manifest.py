# SPDX-License-Identifier: Apache-2.0
# Frozen into our image: what MicroPython's port needs to start, and the application.
freeze("$(PORT_DIR)/modules", ("_boot.py", "flashbdev.py", "inisetup.py"))
include("$(MPY_DIR)/extmod/asyncio")
package("glasses", base_path="$(BOARD_DIR)/../../../firmware")
module("s3.py", base_path="$(BOARD_DIR)/..")
module("board.py", base_path="$(BOARD_DIR)/..")
module("main.py", base_path="$(BOARD_DIR)")
