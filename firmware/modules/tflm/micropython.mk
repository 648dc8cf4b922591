# SPDX-License-Identifier: Apache-2.0
TFLM_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(addprefix $(TFLM_DIR)/,modtflm.c object.c view.c)
SRC_USERMOD_LIB_C += $(sort $(wildcard $(TFLM_DIR)/core/*.c $(TFLM_DIR)/core/ops/*.c))
CFLAGS_USERMOD += -I$(TFLM_DIR)/core
# Small code, but fast code where inference spends its time; tools/workbench/build/natmod.py reads this.
TFLM_HOT := conv_part depthwise_conv depthwise_sums dot dsp dsp_depthwise dsp_elements helium helium_depthwise helium_elements helium_pool int16_dense int16_dot int16_softmax int4
$(BUILD)/tflm/core/%.o: CFLAGS += -Os
$(foreach name,$(TFLM_HOT),$(BUILD)/tflm/core/ops/$(name).o): CFLAGS += -O2
