# SPDX-License-Identifier: Apache-2.0
MICDSP_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(addprefix $(MICDSP_DIR)/,modmicdsp.c listener.c spotter.c)
SRC_USERMOD_LIB_C += $(sort $(wildcard $(MICDSP_DIR)/core/*.c))
CFLAGS_USERMOD += -I$(MICDSP_DIR)/core
# Some ports build with -Os; the front-end runs a hundred times a second.
$(BUILD)/micdsp/core/%.o: CFLAGS += -O2
