// SPDX-License-Identifier: Apache-2.0
// The module pdm: a microphone on ESP32-S3's own I2S unit, either with its PDM-to-PCM filter, which
// MicroPython's machine.I2S does not offer, or as plain I2S. Its interrupts go on while the flash
// is written, when neither code in flash nor PSRAM can be read: they only count, in internal RAM,
// and the listener polls `any`. machine.I2S cannot do that: its counters are in MicroPython's heap.
// Names and rules are those of ESP-IDF v5.2.2 to v5.5; tests/device/esp32s3/include gives their
// lines. It has been compiled against their headers, and has never run on a chip.
#include <string.h>

#include "driver/i2s_pdm.h"
#include "driver/i2s_std.h"
#include "esp_attr.h"
#include "py/mperrno.h"
#include "py/runtime.h"

// One piece of DMA memory is one hop of 10 ms at 16 kHz.
enum { RATE_HZ = 16000, HOP_SAMPLES = 160, HOP_BYTES = 2 * HOP_SAMPLES };
enum { HOPS_MIN = 4, HOPS_MAX = 100, SHIFT_MAX = 12 };

typedef struct {
    mp_obj_base_t base;
    i2s_chan_handle_t channel; // NULL when it is closed.
    uint32_t taken_hops;
    uint8_t shift;
    bool words; // 32-bit words from I2S; else 16-bit PCM.
    union {
        int16_t pcm[HOP_SAMPLES];
        int32_t words[HOP_SAMPLES];
    } hop;
} pdm_obj_t;

MP_REGISTER_ROOT_POINTER(struct _pdm_obj_t *glint_pdm);

// Counted by interrupts; they wrap around. There is one receiver at a time.
static volatile uint32_t received_hops;
static volatile uint32_t lost_hops;

static void check(esp_err_t status, const char *what) {
    if (status != ESP_OK) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("pdm: %s failed: ESP-IDF error %d"), what,
                          (int)status);
    }
}

static bool IRAM_ATTR on_received(i2s_chan_handle_t channel, i2s_event_data_t *event, void *user) {
    (void)channel;
    (void)event;
    (void)user;
    received_hops = received_hops + 1;
    return false;
}

// The driver has discarded the oldest hop.
static bool IRAM_ATTR on_overflow(i2s_chan_handle_t channel, i2s_event_data_t *event, void *user) {
    (void)channel;
    (void)event;
    (void)user;
    lost_hops = lost_hops + 1;
    return false;
}

static const mp_obj_type_t pdm_type;

// Makes a receiver whose channel has no mode yet. Only the first unit has the filter.
static pdm_obj_t *new_receiver(mp_int_t hops, mp_int_t shift) {
    if (hops < HOPS_MIN || hops > HOPS_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("hops: 4..100"));
    }
    if (shift < 0 || shift > SHIFT_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("shift: 0..12"));
    }
    if (MP_STATE_VM(glint_pdm)) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("pdm: in use; call deinit() first"));
    }
    // A soft reset runs the finaliser, so that no interrupt outlives its counters.
    pdm_obj_t *self = mp_obj_malloc_with_finaliser(pdm_obj_t, &pdm_type);
    self->channel = NULL;
    self->taken_hops = 0;
    self->shift = (uint8_t)shift;
    i2s_chan_config_t channel = I2S_CHANNEL_DEFAULT_CONFIG(I2S_NUM_0, I2S_ROLE_MASTER);
    channel.dma_desc_num = (uint32_t)hops;
    channel.dma_frame_num = HOP_SAMPLES;
    check(i2s_new_channel(&channel, NULL, &self->channel), "the channel");
    MP_STATE_VM(glint_pdm) = (struct _pdm_obj_t *)self;
    return self;
}

static void close_receiver(pdm_obj_t *self) {
    if (self->channel != NULL) {
        // This is refused if it was not started, which is harmless. It waits for nothing: reading
        // never blocks.
        i2s_channel_disable(self->channel);
        i2s_del_channel(self->channel);
        self->channel = NULL;
        MP_STATE_VM(glint_pdm) = NULL;
    }
}

static mp_obj_t opened(pdm_obj_t *self, esp_err_t status) {
    if (status != ESP_OK) {
        close_receiver(self);
        check(status, "the mode");
    }
    return MP_OBJ_FROM_PTR(self);
}

// PDM(clock_pin, data_pin, hops, shift): 16 kHz mono int16, 2 ** shift times as loud. At most
// `hops` hops wait before some are lost.
static mp_obj_t pdm_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                             const mp_obj_t *args) {
    (void)type;
    mp_arg_check_num(n_args, n_kw, 4, 4, false);
    i2s_pdm_rx_config_t config = {
        .clk_cfg = I2S_PDM_RX_CLK_DEFAULT_CONFIG(RATE_HZ),
        .slot_cfg = I2S_PDM_RX_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_16BIT, I2S_SLOT_MODE_MONO),
        .gpio_cfg = {.clk = (gpio_num_t)mp_obj_get_int(args[0]),
                     .din = (gpio_num_t)mp_obj_get_int(args[1])},
    };
    pdm_obj_t *self = new_receiver(mp_obj_get_int(args[2]), mp_obj_get_int(args[3]));
    self->words = false;
    return opened(self, i2s_channel_init_pdm_rx_mode(self->channel, &config));
}

// I2S(clock_pin, word_pin, data_pin, hops, shift): the same from the left half of 32-bit frames.
static mp_obj_t pdm_i2s(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    i2s_std_config_t config = {
        .clk_cfg = I2S_STD_CLK_DEFAULT_CONFIG(RATE_HZ),
        .slot_cfg =
            I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_32BIT, I2S_SLOT_MODE_MONO),
        .gpio_cfg = {.mclk = I2S_GPIO_UNUSED,
                     .bclk = (gpio_num_t)mp_obj_get_int(args[0]),
                     .ws = (gpio_num_t)mp_obj_get_int(args[1]),
                     .dout = I2S_GPIO_UNUSED,
                     .din = (gpio_num_t)mp_obj_get_int(args[2])},
    };
    pdm_obj_t *self = new_receiver(mp_obj_get_int(args[3]), mp_obj_get_int(args[4]));
    self->words = true;
    return opened(self, i2s_channel_init_std_mode(self->channel, &config));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pdm_i2s_obj, 5, 5, pdm_i2s);

static pdm_obj_t *get_open(mp_obj_t self_in) {
    pdm_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->channel == NULL) {
        mp_raise_OSError(MP_EBADF);
    }
    return self;
}

static mp_obj_t pdm_start(mp_obj_t self_in) {
    pdm_obj_t *self = get_open(self_in);
    received_hops = lost_hops = 0;
    const i2s_event_callbacks_t events = {.on_recv = on_received, .on_recv_q_ovf = on_overflow};
    check(i2s_channel_register_event_callback(self->channel, &events, NULL), "the callback");
    check(i2s_channel_enable(self->channel), "the start");
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pdm_start_obj, pdm_start);

// any(): bytes waiting.
static mp_obj_t pdm_any(mp_obj_t self_in) {
    pdm_obj_t *self = get_open(self_in);
    int32_t waiting = (int32_t)(received_hops - lost_hops - self->taken_hops);
    return MP_OBJ_NEW_SMALL_INT(waiting > 0 ? waiting * HOP_BYTES : 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(pdm_any_obj, pdm_any);

static int16_t saturated(int32_t value) {
    return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

// readinto(buf): reads the whole hops that have arrived, and returns their bytes; never blocks.
static mp_obj_t pdm_readinto(mp_obj_t self_in, mp_obj_t buf_in) {
    pdm_obj_t *self = get_open(self_in);
    mp_buffer_info_t buf;
    mp_get_buffer_raise(buf_in, &buf, MP_BUFFER_WRITE);
    size_t size = self->words ? sizeof(self->hop.words) : sizeof(self->hop.pcm);
    size_t done = 0;
    while (buf.len - done >= HOP_BYTES) {
        size_t taken = 0;
        esp_err_t status = i2s_channel_read(self->channel, &self->hop, size, &taken, 0);
        if (status != ESP_ERR_TIMEOUT) {
            check(status, "reading");
        }
        if (taken < size) {
            break; // Nothing is read but whole hops.
        }
        for (size_t i = 0; i < HOP_SAMPLES; i++) {
            int32_t loud = self->words ? self->hop.words[i] >> (16 - self->shift)
                                       : (int32_t)self->hop.pcm[i] * (1 << self->shift);
            int16_t sample = saturated(loud);
            memcpy((char *)buf.buf + done + 2 * i, &sample, sizeof(sample));
        }
        self->taken_hops++;
        done += HOP_BYTES;
    }
    return MP_OBJ_NEW_SMALL_INT(done);
}
static MP_DEFINE_CONST_FUN_OBJ_2(pdm_readinto_obj, pdm_readinto);

// lost_bytes(): bytes discarded because nobody read them in time.
static mp_obj_t pdm_lost_bytes(mp_obj_t self_in) {
    (void)self_in;
    return mp_obj_new_int_from_uint(lost_hops * HOP_BYTES);
}
static MP_DEFINE_CONST_FUN_OBJ_1(pdm_lost_bytes_obj, pdm_lost_bytes);

// deinit(): stops at once. The garbage collector and a soft reset do it too.
static mp_obj_t pdm_deinit(mp_obj_t self_in) {
    close_receiver(MP_OBJ_TO_PTR(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pdm_deinit_obj, pdm_deinit);

static const mp_rom_map_elem_t pdm_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_start), MP_ROM_PTR(&pdm_start_obj)},
    {MP_ROM_QSTR(MP_QSTR_any), MP_ROM_PTR(&pdm_any_obj)},
    {MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&pdm_readinto_obj)},
    {MP_ROM_QSTR(MP_QSTR_lost_bytes), MP_ROM_PTR(&pdm_lost_bytes_obj)},
    {MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&pdm_deinit_obj)},
    {MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&pdm_deinit_obj)},
};
static MP_DEFINE_CONST_DICT(pdm_locals, pdm_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(pdm_type, MP_QSTR_PDM, MP_TYPE_FLAG_NONE, make_new, pdm_make_new,
                                locals_dict, &pdm_locals);

static const mp_rom_map_elem_t pdm_globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_pdm)},
    {MP_ROM_QSTR(MP_QSTR_PDM), MP_ROM_PTR(&pdm_type)},
    {MP_ROM_QSTR(MP_QSTR_I2S), MP_ROM_PTR(&pdm_i2s_obj)},
};
static MP_DEFINE_CONST_DICT(pdm_globals, pdm_globals_table);

const mp_obj_module_t glint_pdm_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&pdm_globals,
};
MP_REGISTER_MODULE(MP_QSTR_pdm, glint_pdm_module);
