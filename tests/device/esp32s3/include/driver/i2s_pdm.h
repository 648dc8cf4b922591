// SPDX-License-Identifier: Apache-2.0
// From ESP-IDF's i2s_pdm.h with SOC_I2S_SUPPORTS_PDM_RX and, from v5.5, SOC_I2S_SUPPORTS_PDM2PCM
// set, as in components/soc/esp32s3/include/soc/soc_caps.h. See i2s_common.h.
#pragma once
#include "driver/i2s_common.h"

typedef struct {
    i2s_data_bit_width_t data_bit_width; // 76, 74, 113
    i2s_slot_mode_t slot_mode;           // 78, 76, 115
} i2s_pdm_rx_slot_config_t;              // 90, 88, 134
typedef struct {
    uint32_t sample_rate_hz; // 97, 95, 141
} i2s_pdm_rx_clk_config_t;   // 104, 102, 151
typedef struct {
    gpio_num_t clk; // 110, 108, 157
    union {
        gpio_num_t din; // 112, 110, 159
    };
} i2s_pdm_rx_gpio_config_t; // 118, 116, 165
typedef struct {
    i2s_pdm_rx_clk_config_t clk_cfg;   // 124, 122, 171
    i2s_pdm_rx_slot_config_t slot_cfg; // 125, 123, 172
    i2s_pdm_rx_gpio_config_t gpio_cfg; // 126, 124, 173
} i2s_pdm_rx_config_t;                 // 127, 125, 174

#if IDF >= 50500
#define I2S_PDM_RX_SLOT_PCM_FMT_DEFAULT_CONFIG(bits, mode) \
    {.data_bit_width = bits, .slot_mode = mode} // -, -, 65
#define I2S_PDM_RX_SLOT_DEFAULT_CONFIG(bits, mode) \
    I2S_PDM_RX_SLOT_PCM_FMT_DEFAULT_CONFIG(bits, mode) // 90
#else
#define I2S_PDM_RX_SLOT_DEFAULT_CONFIG(bits, mode) \
    {.data_bit_width = bits, .slot_mode = mode} // 48, 48, -
#endif
#define I2S_PDM_RX_CLK_DEFAULT_CONFIG(rate) {.sample_rate_hz = rate} // 61, 61, 100
// 145, 143, 192
esp_err_t i2s_channel_init_pdm_rx_mode(i2s_chan_handle_t handle,
                                       const i2s_pdm_rx_config_t *pdm_rx_cfg);
