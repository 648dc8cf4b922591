// SPDX-License-Identifier: Apache-2.0
// The unix port for the firmware: with what a microcontroller's image has, and native code.

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

// Includes the unix port's own settings: VfsRom, os.getenv, _thread's locks, memory statistics.
#include "variants/mpconfigvariant_common.h"

// rom.c in this folder replaces the unix port's own, which has an empty ROMFS.
#undef MICROPY_VFS_ROM_IOCTL
#define MICROPY_VFS_ROM_IOCTL (1)

#define MICROPY_PY_MACHINE_WDT (1)
#define MICROPY_PY_MACHINE_WDT_INCLUDEFILE "wdt.h"
