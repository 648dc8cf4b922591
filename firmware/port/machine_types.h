// SPDX-License-Identifier: Apache-2.0
// What the port's parts of the module `machine` share.
#ifndef GLINT_PORT_MACHINE_TYPES_H
#define GLINT_PORT_MACHINE_TYPES_H

#include "py/obj.h"

extern const mp_obj_type_t machine_pin_type;
extern const mp_obj_type_t machine_rtc_type;

// Bytes of the main stack that were ever in use.
uint32_t stack_peak_bytes(void);
// Closes the UARTs that scripts opened; at a soft reset.
void machine_uart_close_all(void);

#endif
