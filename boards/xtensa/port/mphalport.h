// SPDX-License-Identifier: Apache-2.0
// There is nothing to add: no pins, no clock.
