// SPDX-License-Identifier: Apache-2.0
#ifndef GLINT_XTENSA_MULHIGH_H
#define GLINT_XTENSA_MULHIGH_H

// From here on, programs may use MULUH and MULSH.
void mulhigh_enable(void);

#endif
