// SPDX-License-Identifier: Apache-2.0
// A QEMU plugin that counts the guest's instructions by function, and prints the counts at exit. It
// is built for this machine; QEMU has the functions that are only declared here. Their interface is
// that of QEMU's include/qemu/qemu-plugin.h, version 1, which Debian does not package.
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

typedef void (*translated_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*ended_t)(qemu_plugin_id_t id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_t act);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, enum qemu_plugin_op op,
                                              void *to, uint64_t value);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, ended_t act, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *instruction);
void qemu_plugin_outs(const char *text);

int qemu_plugin_version = 1;

enum { FUNCTIONS_MAX = 1024 };
static struct {
    const char *name;
    uint64_t instructions;
} functions[FUNCTIONS_MAX];

// Returns the counter of a function; the last one is shared by all that have no room.
static uint64_t *counter(const char *name) {
    size_t i = 0;
    while (i < FUNCTIONS_MAX - 1 && functions[i].name && strcmp(functions[i].name, name)) {
        i++;
    }
    functions[i].name = name;
    return &functions[i].instructions;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    const char *name = qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(block, 0));
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64,
                                             counter(name ? name : "?"),
                                             qemu_plugin_tb_n_insns(block));
}

static void ended(qemu_plugin_id_t id, void *data) {
    (void)id;
    (void)data;
    for (size_t i = 0; i < FUNCTIONS_MAX && functions[i].name; i++) {
        char line[256];
        snprintf(line, sizeof line, "%s %" PRIu64 "\n", functions[i].name,
                 functions[i].instructions);
        qemu_plugin_outs(line);
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
    (void)info;
    (void)argc;
    (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
