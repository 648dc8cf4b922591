// SPDX-License-Identifier: Apache-2.0
// Strings that MicroPython's scan of the sources does not find.
