# SPDX-License-Identifier: Apache-2.0
# Off: what needs libraries that the source package does not carry, or the machine may not have.
MICROPY_PY_BTREE = 0
MICROPY_PY_FFI = 0
MICROPY_PY_SSL = 0

COPT = -O2
FROZEN_MANIFEST = $(VARIANT_DIR)/manifest.py

# rom.c defines this function in the place of the unix port's own.
$(BUILD)/main.o: CFLAGS += -Dmp_vfs_rom_ioctl=unused_rom_ioctl
