// SPDX-License-Identifier: Apache-2.0
// What prepare creates for a node: its record, scratch memory, and outputs over inputs.
#include "emit.h"

#include <string.h>

#include "kernels.h"
#include "share.h"

enum { RECORD_BYTES_MAX = 0x7fffff00 };

void tflm_overlap(tflm_node_t *node, uint32_t lead_bytes, uint32_t lag_bytes) {
    tflm_slot_t *slots = node->load->slots;
    uint32_t output = tflm_node_output(node, 0), input = tflm_node_input(node, 0);
    uint32_t root = tflm_root(node->load, input);
    if (tflm_offset_in_root(node->load, input)) {
        return;
    }
    slots[output].over = (uint16_t)root;
    slots[output].lead = lead_bytes;
    slots[output].lag = lag_bytes;
    node->overlaps = true;
}

void tflm_overwrite(tflm_node_t *node, const tflm_tensor_t *tensors) {
    tflm_load_t *load = node->load;
    tflm_slot_t *output = &load->slots[tflm_node_output(node, 0)];
    for (uint32_t i = 0; i < node->inputs.count; i++) {
        uint32_t id = tflm_node_input(node, i), root = tflm_root(load, id);
        if (tensors[i].bytes == output->bytes) {
            if (load->slots[id].last == node->index && !tflm_offset_in_root(load, id)) {
                output->over = (uint16_t)root;
                output->lag = UINT32_MAX;
            }
        } else if (!tensors[i].data_at) { // It may lie in the other one's memory.
            output->over = (uint16_t)tflm_node_output(node, 0);
            return;
        }
    }
}

static uint32_t saturate(uint64_t x) {
    return x > INT32_MAX ? INT32_MAX : (uint32_t)x;
}

uint32_t tflm_scratch(tflm_node_t *node, uint64_t bytes) {
    uint32_t id = node->load->slots_used++;
    tflm_slot_t *slot = &node->load->slots[id];
    slot->bytes = saturate(bytes);
    slot->first = slot->last = (uint16_t)node->index;
    return id;
}

void *tflm_node_data(tflm_node_t *node, uint32_t places, uint32_t bytes) {
    tflm_load_t *load = node->load;
    // Records are counted past the arena's end, but must not exceed 32 bits.
    bytes = bytes > RECORD_BYTES_MAX ? RECORD_BYTES_MAX : bytes;
    bytes = tflm_align(bytes, 4) + (uint32_t)sizeof(tflm_record_t);
    uint32_t start = load->used, end = start + bytes;
    load->used = end > TFLM_PLACE_MODEL ? TFLM_PLACE_MODEL : end;
    if (end > load->limit) {
        return NULL;
    }
    tflm_record_t *record = (tflm_record_t *)(void *)(load->arena + start);
    memset(record, 0, bytes);
    record->bytes = bytes;
    record->kernel = (uint8_t)(node->kernel - tflm_kernel(0));
    record->backwards = node->overlaps;
    record->places = (uint16_t)places;
    record->rows = node->rows;
    // With this many rows, no slice has more than one.
    record->cost = node->cost ? saturate(node->cost) : saturate(node->macs) / node->rows + 1;
    uint32_t *place = (uint32_t *)(record + 1);
    for (uint32_t i = 0; i < places; i++) {
        place[i] = i + 1 < places        ? tflm_node_input(node, i)
                   : node->outputs.count ? tflm_node_output(node, 0)
                                         : TFLM_NO_TENSOR;
    }
    return place;
}
