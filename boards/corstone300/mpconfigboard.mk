# SPDX-License-Identifier: Apache-2.0
# Cortex-M55 with Helium (integer and float) and the double-precision FPU.
MCU_FLAGS = -mcpu=cortex-m55 -mfloat-abi=hard
