# SPDX-License-Identifier: Apache-2.0
TFLM_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(TFLM_DIR)/modtflm.c
SRC_USERMOD_LIB_C += $(sort $(wildcard $(TFLM_DIR)/core/*.c $(TFLM_DIR)/core/ops/*.c))
CFLAGS_USERMOD += -I$(TFLM_DIR)/core
# Some ports build with -Os; inference is most of what the processor does.
$(BUILD)/tflm/core/%.o: CFLAGS += -O2
