# SPDX-License-Identifier: Apache-2.0
include("$(PORT_DIR)/manifest.py")
freeze("$(BOARD_DIR)/../simulation")
package("glasses", base_path="$(PORT_DIR)/..")
freeze("$(BOARD_DIR)", ("board.py", "main.py"))
