// SPDX-License-Identifier: Apache-2.0
// The emulated NOR flash: memory that the emulator keeps in a file. Reading is reading memory.
#ifndef GLINT_PORT_FLASH_H
#define GLINT_PORT_FLASH_H

#include <stddef.h>
#include <stdint.h>

#include "py/obj.h"

#define FLASH_BLOCK_BYTES 4096

extern const mp_obj_type_t flash_type;

// Sets whole blocks to ones. Returns 0, or a negative errno.
int flash_erase(uint32_t offset, size_t size);
// Clears bits, as NOR does: what was not erased first comes out as the AND of both.
int flash_program(uint32_t offset, const uint8_t *data, size_t size);

#endif
