// SPDX-License-Identifier: Apache-2.0
// What modpdm.c uses of ESP-IDF, as v5.2.2, v5.4.2 and v5.5 declare it; the numbers are the lines
// there, in this order. IDF is 50202, 50402 or 50500. Structures have only the members that are
// used. v5.2.2 has these headers in components/driver/i2s/include/driver, the later ones in
// components/esp_driver_i2s/include/driver. `python -m workbench.build.receiver` compiles against
// the real headers, if they are there.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int esp_err_t;            // components/esp_common/include/esp_err.h: 19, 19, 19
#define ESP_OK 0                  // 22, 22, 22
#define ESP_ERR_TIMEOUT 0x107     // 31, 31, 31
typedef enum { GPIO_NUM_NC = -1 } // components/soc/esp32s3/include/soc/gpio_num.h: 17, 17, 17
    gpio_num_t;                   // 64, 64, 64

// components/hal/include/hal/i2s_types.h
typedef enum { I2S_SLOT_MODE_MONO = 1 } i2s_slot_mode_t; // 25, 25, 25
typedef enum { I2S_ROLE_MASTER } i2s_role_t;             // 41, 41, 41
typedef enum {
    I2S_DATA_BIT_WIDTH_16BIT = 16, // 50, 50, 50
    I2S_DATA_BIT_WIDTH_32BIT = 32, // 52, 52, 52
} i2s_data_bit_width_t;            // 53, 53, 53

// i2s_types.h
typedef enum { I2S_NUM_0 = 0 } i2s_port_t; // 22, 22, 22
typedef struct {
    void *unused;
} i2s_event_data_t;                                  // 64, 88, 88
typedef struct i2s_channel_obj_t *i2s_chan_handle_t; // 66, 97, 128
typedef bool (*i2s_isr_callback_t)(i2s_chan_handle_t handle, i2s_event_data_t *event,
                                   void *user_ctx); // 76, 108, 139

// i2s_common.h
#define I2S_CHANNEL_DEFAULT_CONFIG(i2s_num, i2s_role) {.id = i2s_num, .role = i2s_role} // 22, 22, 22
#define I2S_GPIO_UNUSED GPIO_NUM_NC // 31, 33, 33
typedef struct {
    i2s_isr_callback_t on_recv;       // 40, 42, 42
    i2s_isr_callback_t on_recv_q_ovf; // 43, 45, 45
} i2s_event_callbacks_t;
typedef struct {
    i2s_port_t id;          // 58, 60, 60
    i2s_role_t role;        // 59, 61, 61
    uint32_t dma_desc_num;  // 62, 64, 64
    uint32_t dma_frame_num; // 63, 65, 65
} i2s_chan_config_t;
// 106, 124, 125
esp_err_t i2s_new_channel(const i2s_chan_config_t *chan_cfg, i2s_chan_handle_t *ret_tx_handle,
                          i2s_chan_handle_t *ret_rx_handle);
esp_err_t i2s_del_channel(i2s_chan_handle_t handle);     // 117, 135, 136
esp_err_t i2s_channel_enable(i2s_chan_handle_t handle);  // 143, 161, 162
esp_err_t i2s_channel_disable(i2s_chan_handle_t handle); // 157, 175, 176
// 215, 234, 212
esp_err_t i2s_channel_read(i2s_chan_handle_t handle, void *dest, size_t size, size_t *bytes_read,
                           uint32_t timeout_ms);
// 233, 252, 230
esp_err_t i2s_channel_register_event_callback(i2s_chan_handle_t handle,
                                              const i2s_event_callbacks_t *callbacks,
                                              void *user_data);
