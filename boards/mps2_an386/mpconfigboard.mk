# SPDX-License-Identifier: Apache-2.0
MCU_FLAGS = -mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard
