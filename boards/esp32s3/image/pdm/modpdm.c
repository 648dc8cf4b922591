// SPDX-License-Identifier: Apache-2.0
// The module pdm: a PDM microphone through ESP32-S3's own PDM-to-PCM filter, which MicroPython's
// machine.I2S does not offer. Names and rules are those of ESP-IDF's i2s_common.h and i2s_pdm.h
// (components/esp_driver_i2s/include/driver). Compiled against their declarations only, never yet
// against ESP-IDF, and unproven on silicon.
#include "driver/i2s_pdm.h"
#include "py/mphal.h"
#include "py/mperrno.h"
#include "py/runtime.h"

// One piece of DMA memory is one hop of 10 ms at 16 kHz.
enum { HOP_SAMPLES = 160, HOP_BYTES = 2 * HOP_SAMPLES, HOPS_MIN = 4, HOPS_MAX = 100 };

typedef struct {
    mp_obj_base_t base;
    i2s_chan_handle_t channel;
    mp_obj_t handler;
    // Counted in interrupts; they wrap around.
    volatile uint32_t received;
    volatile uint32_t lost;
    uint32_t taken;
} pdm_obj_t;

MP_REGISTER_ROOT_POINTER(struct _pdm_obj_t *glint_pdm);

static void check(esp_err_t status, const char *what) {
    if (status != ESP_OK) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("pdm: %s failed: ESP-IDF error %d"), what,
                          (int)status);
    }
}

static bool on_received(i2s_chan_handle_t channel, i2s_event_data_t *event, void *self_in) {
    pdm_obj_t *self = self_in;
    (void)channel;
    (void)event;
    self->received += HOP_BYTES;
    mp_sched_schedule(self->handler, MP_OBJ_FROM_PTR(self));
    mp_hal_wake_main_task_from_isr();
    return false;
}

// The driver has thrown the oldest hop away.
static bool on_overflow(i2s_chan_handle_t channel, i2s_event_data_t *event, void *self_in) {
    pdm_obj_t *self = self_in;
    (void)channel;
    (void)event;
    self->lost += HOP_BYTES;
    return false;
}

// PDM(clock_pin, data_pin, hops): 16 kHz mono int16; so many hops wait before some are lost.
static mp_obj_t pdm_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                             const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 3, 3, false);
    mp_int_t hops = mp_obj_get_int(args[2]);
    if (hops < HOPS_MIN || hops > HOPS_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("hops: 4..100"));
    }
    if (MP_STATE_VM(glint_pdm)) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("pdm: in use; call deinit() first"));
    }
    pdm_obj_t *self = mp_obj_malloc(pdm_obj_t, type);
    self->handler = mp_const_none;
    self->received = self->lost = self->taken = 0;
    // Only the first unit has the filter.
    i2s_chan_config_t channel = I2S_CHANNEL_DEFAULT_CONFIG(I2S_NUM_0, I2S_ROLE_MASTER);
    channel.dma_desc_num = (uint32_t)hops;
    channel.dma_frame_num = HOP_SAMPLES;
    check(i2s_new_channel(&channel, NULL, &self->channel), "the channel");
    i2s_pdm_rx_config_t config = {
        .clk_cfg = I2S_PDM_RX_CLK_DEFAULT_CONFIG(16000),
        .slot_cfg =
            I2S_PDM_RX_SLOT_PCM_FMT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_16BIT, I2S_SLOT_MODE_MONO),
        .gpio_cfg = {.clk = (gpio_num_t)mp_obj_get_int(args[0]),
                     .din = (gpio_num_t)mp_obj_get_int(args[1])},
    };
    esp_err_t status = i2s_channel_init_pdm_rx_mode(self->channel, &config);
    if (status != ESP_OK) {
        i2s_del_channel(self->channel);
        check(status, "the PDM mode");
    }
    MP_STATE_VM(glint_pdm) = (struct _pdm_obj_t *)self;
    return MP_OBJ_FROM_PTR(self);
}

static pdm_obj_t *get_open(mp_obj_t self_in) {
    pdm_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (MP_STATE_VM(glint_pdm) != (struct _pdm_obj_t *)self) {
        mp_raise_OSError(MP_EBADF);
    }
    return self;
}

// start(handler): handler(self) is scheduled when a hop has arrived.
static mp_obj_t pdm_start(mp_obj_t self_in, mp_obj_t handler) {
    pdm_obj_t *self = get_open(self_in);
    self->handler = handler;
    const i2s_event_callbacks_t events = {.on_recv = on_received, .on_recv_q_ovf = on_overflow};
    check(i2s_channel_register_event_callback(self->channel, &events, self), "the callback");
    check(i2s_channel_enable(self->channel), "the start");
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(pdm_start_obj, pdm_start);

// any(): bytes waiting.
static mp_obj_t pdm_any(mp_obj_t self_in) {
    pdm_obj_t *self = get_open(self_in);
    int32_t waiting = (int32_t)(self->received - self->lost - self->taken);
    return MP_OBJ_NEW_SMALL_INT(waiting > 0 ? waiting : 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(pdm_any_obj, pdm_any);

// readinto(buf): the bytes read from what has arrived; never blocks.
static mp_obj_t pdm_readinto(mp_obj_t self_in, mp_obj_t buf_in) {
    pdm_obj_t *self = get_open(self_in);
    mp_buffer_info_t buf;
    mp_get_buffer_raise(buf_in, &buf, MP_BUFFER_WRITE);
    size_t taken = 0;
    esp_err_t status = i2s_channel_read(self->channel, buf.buf, buf.len, &taken, 0);
    if (status != ESP_ERR_TIMEOUT) {
        check(status, "reading");
    }
    self->taken += (uint32_t)taken;
    return MP_OBJ_NEW_SMALL_INT(taken);
}
static MP_DEFINE_CONST_FUN_OBJ_2(pdm_readinto_obj, pdm_readinto);

// lost_bytes(): bytes thrown away as nobody read them in time.
static mp_obj_t pdm_lost_bytes(mp_obj_t self_in) {
    return mp_obj_new_int_from_uint(get_open(self_in)->lost);
}
static MP_DEFINE_CONST_FUN_OBJ_1(pdm_lost_bytes_obj, pdm_lost_bytes);

static mp_obj_t pdm_deinit(mp_obj_t self_in) {
    pdm_obj_t *self = get_open(self_in);
    i2s_channel_disable(self->channel); // Refused when it was not started, which is as well.
    i2s_del_channel(self->channel);
    MP_STATE_VM(glint_pdm) = NULL;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pdm_deinit_obj, pdm_deinit);

static const mp_rom_map_elem_t pdm_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_start), MP_ROM_PTR(&pdm_start_obj)},
    {MP_ROM_QSTR(MP_QSTR_any), MP_ROM_PTR(&pdm_any_obj)},
    {MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&pdm_readinto_obj)},
    {MP_ROM_QSTR(MP_QSTR_lost_bytes), MP_ROM_PTR(&pdm_lost_bytes_obj)},
    {MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&pdm_deinit_obj)},
};
static MP_DEFINE_CONST_DICT(pdm_locals, pdm_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(pdm_type, MP_QSTR_PDM, MP_TYPE_FLAG_NONE, make_new, pdm_make_new,
                                locals_dict, &pdm_locals);

static const mp_rom_map_elem_t pdm_globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_pdm)},
    {MP_ROM_QSTR(MP_QSTR_PDM), MP_ROM_PTR(&pdm_type)},
};
static MP_DEFINE_CONST_DICT(pdm_globals, pdm_globals_table);

const mp_obj_module_t glint_pdm_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&pdm_globals,
};
MP_REGISTER_MODULE(MP_QSTR_pdm, glint_pdm_module);
