// SPDX-License-Identifier: Apache-2.0
// What modpdm.c uses of ESP-IDF's driver/i2s_pdm.h and i2s_common.h, by their names, for a compiler
// to check its syntax and types; no more than that.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int esp_err_t;
enum { ESP_OK = 0, ESP_ERR_TIMEOUT = 0x107 };
typedef int gpio_num_t;
typedef struct i2s_channel_obj_t *i2s_chan_handle_t;
typedef struct {
    size_t size;
} i2s_event_data_t;
typedef bool (*i2s_isr_callback_t)(i2s_chan_handle_t, i2s_event_data_t *, void *);
typedef struct {
    i2s_isr_callback_t on_recv, on_recv_q_ovf, on_sent, on_send_q_ovf;
} i2s_event_callbacks_t;
enum { I2S_NUM_0, I2S_ROLE_MASTER, I2S_DATA_BIT_WIDTH_16BIT = 16, I2S_SLOT_MODE_MONO = 1 };
typedef struct {
    int id, role;
    uint32_t dma_desc_num, dma_frame_num;
} i2s_chan_config_t;
typedef struct {
    uint32_t sample_rate_hz;
} i2s_pdm_rx_clk_config_t;
typedef struct {
    int data_bit_width, slot_mode;
} i2s_pdm_rx_slot_config_t;
typedef struct {
    gpio_num_t clk, din;
} i2s_pdm_rx_gpio_config_t;
typedef struct {
    i2s_pdm_rx_clk_config_t clk_cfg;
    i2s_pdm_rx_slot_config_t slot_cfg;
    i2s_pdm_rx_gpio_config_t gpio_cfg;
} i2s_pdm_rx_config_t;
#define I2S_CHANNEL_DEFAULT_CONFIG(number, part) {.id = number, .role = part}
#define I2S_PDM_RX_CLK_DEFAULT_CONFIG(rate) {.sample_rate_hz = rate}
#define I2S_PDM_RX_SLOT_PCM_FMT_DEFAULT_CONFIG(bits, mode) \
    {.data_bit_width = bits, .slot_mode = mode}

esp_err_t i2s_new_channel(const i2s_chan_config_t *, i2s_chan_handle_t *, i2s_chan_handle_t *);
esp_err_t i2s_channel_init_pdm_rx_mode(i2s_chan_handle_t, const i2s_pdm_rx_config_t *);
esp_err_t i2s_channel_register_event_callback(i2s_chan_handle_t, const i2s_event_callbacks_t *,
                                              void *);
esp_err_t i2s_channel_enable(i2s_chan_handle_t);
esp_err_t i2s_channel_disable(i2s_chan_handle_t);
esp_err_t i2s_channel_read(i2s_chan_handle_t, void *, size_t, size_t *, uint32_t);
esp_err_t i2s_del_channel(i2s_chan_handle_t);
void mp_hal_wake_main_task_from_isr(void); // MicroPython's ports/esp32/mphalport.h
