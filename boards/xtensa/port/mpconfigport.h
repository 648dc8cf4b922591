// SPDX-License-Identifier: Apache-2.0
// What our native modules and scripts need; native code finds the same as on the ESP32 port.
#include <alloca.h>
#include <stddef.h>
#include <stdint.h>

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_CORE_FEATURES)

#define MICROPY_ENABLE_GC (1)
#define MICROPY_EMIT_XTENSAWIN (1)
#define MICROPY_NLR_SETJMP (1)
#define MICROPY_PERSISTENT_CODE_LOAD (1)
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_FLOAT)
#define MICROPY_LONGINT_IMPL (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_READER_VFS (1)
#define MICROPY_VFS (1)
#define MICROPY_VFS_ROM (1)
#define MICROPY_VFS_ROM_IOCTL (0)

// As on the ESP32 port; without them, byte code takes more instructions.
#define MICROPY_OPT_COMPUTED_GOTO (1)
#define MICROPY_OPT_LOAD_ATTR_FAST_PATH (1)
#define MICROPY_OPT_MAP_LOOKUP_CACHE (1)

#define MICROPY_PY_ASYNCIO (1)
#define MICROPY_PY_BINASCII (1)
#define MICROPY_PY_BUILTINS_BYTES_HEX (1)
#define MICROPY_PY_BUILTINS_COMPLEX (0)
#define MICROPY_PY_BUILTINS_MEMORYVIEW (1)
#define MICROPY_PY_HASHLIB (1)
#define MICROPY_PY_HASHLIB_SHA256 (1)
#define MICROPY_PY_IO_IOBASE (1)
#define MICROPY_PY_JSON (1)
#define MICROPY_PY_CMATH (0)
#define MICROPY_PY_MATH (0)
#define MICROPY_PY_OS (1)
#define MICROPY_PY_SELECT (1)
#define MICROPY_PY_SELECT_SELECT (0)
#define MICROPY_PY_SYS_STDFILES (1)
#define MICROPY_PY_SYS_STDIO_BUFFER (1)
#define MICROPY_PY_TIME (1)
#define MICROPY_PY_VFS (0)
#define MICROPY_STACK_CHECK (1)

// Executable code has its own memory region, as on ESP32-S3.
void *commit_code(void *code, size_t bytes, void *relocations);
#define MP_PLAT_COMMIT_EXEC(code, bytes, relocations) commit_code(code, bytes, relocations)

typedef int32_t mp_int_t;
typedef uint32_t mp_uint_t;
typedef long mp_off_t;

#define MICROPY_HW_BOARD_NAME "qemu-xtensa"
#define MICROPY_HW_MCU_NAME "de233_fpu"
#define MP_STATE_PORT MP_STATE_VM
