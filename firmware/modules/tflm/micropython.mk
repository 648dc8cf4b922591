# SPDX-License-Identifier: Apache-2.0
TFLM_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(addprefix $(TFLM_DIR)/,modtflm.c object.c view.c)
SRC_USERMOD_LIB_C += $(sort $(wildcard $(TFLM_DIR)/core/*.c $(TFLM_DIR)/core/ops/*.c))
CFLAGS_USERMOD += -I$(TFLM_DIR)/core
# Small code, but fast code where inference spends its time; tools/workbench/build/natmod.py reads this.
TFLM_HOT := depthwise_sums dot dsp_depthwise dsp_elements helium helium_depthwise helium_elements helium_pool int16_dot int16_softmax int4 pool_taps
# Of what GCC does for speed even with -Os, this takes more code than it is worth here.
TFLM_SMALL := -Os -fno-inline-functions-called-once -fno-move-loop-invariants -fno-tree-loop-im -fno-tree-pre -fno-gcse -fno-if-conversion -fno-ivopts -fno-tree-fre
ifneq ($(findstring clang,$(shell $(CC) --version)),)
TFLM_SMALL := -Os
endif
$(BUILD)/tflm/core/%.o: CFLAGS += $(TFLM_SMALL)
$(foreach name,$(TFLM_HOT),$(BUILD)/tflm/core/ops/$(name).o): CFLAGS += -O2
