// SPDX-License-Identifier: Apache-2.0
// Strings that are no C names, which MicroPython's scan of the sources cannot find.

// clang-format off
Q(/lib)
