// SPDX-License-Identifier: Apache-2.0
#define IRAM_ATTR __attribute__((section(".iram1"))) // ESP-IDF's esp_attr.h: 23, 23, 23
