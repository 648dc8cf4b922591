// SPDX-License-Identifier: Apache-2.0
// From ESP-IDF's i2s_std.h for ESP32-S3, whose soc_caps.h sets SOC_I2S_HW_VERSION_2. See
// i2s_common.h.
#pragma once
#include "driver/i2s_common.h"

typedef struct {
    i2s_data_bit_width_t data_bit_width; // 213, 228, 230
    i2s_slot_mode_t slot_mode;           // 215, 230, 232
} i2s_std_slot_config_t;                 // 232, 247, 249
typedef struct {
    uint32_t sample_rate_hz; // 239, 254, 256
} i2s_std_clk_config_t;      // 253, 268, 271
typedef struct {
    gpio_num_t mclk;     // 259, 274, 277
    gpio_num_t bclk;     // 260, 275, 278
    gpio_num_t ws;       // 261, 276, 279
    gpio_num_t dout;     // 262, 277, 280
    gpio_num_t din;      // 263, 278, 281
} i2s_std_gpio_config_t; // 269, 284, 287
typedef struct {
    i2s_std_clk_config_t clk_cfg;   // 275, 290, 293
    i2s_std_slot_config_t slot_cfg; // 276, 291, 294
    i2s_std_gpio_config_t gpio_cfg; // 277, 292, 295
} i2s_std_config_t;                 // 278, 293, 296

#define I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(bits, mode) \
    {.data_bit_width = bits, .slot_mode = mode}                  // 140, 140, 140
#define I2S_STD_CLK_DEFAULT_CONFIG(rate) {.sample_rate_hz = rate} // 202, 215, 216
// 297, 312, 315
esp_err_t i2s_channel_init_std_mode(i2s_chan_handle_t handle, const i2s_std_config_t *std_cfg);
