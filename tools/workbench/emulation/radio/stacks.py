# SPDX-License-Identifier: Apache-2.0
"""How the Bluetooth stacks below MicroPython's `bluetooth` behave, in common and in difference.

Each behaviour stands beside its source. The sources are MicroPython 1.25.0's
extmod/nimble/modbluetooth_nimble.c (here "binding"); Espressif's NimBLE a2acac3, which ESP-IDF
v5.2.2 pins and MicroPython's official 1.25.0 images are built with (tools/ci.sh:162); Apache's
NimBLE 42849560, MicroPython's lib/mynewt-nimble, which its other ports are built with.

What all of them do:

* gap_disconnect while one is pending: EALREADY (ble_gap.c:6021, ble_gap_terminate_with_conn). With
  the peer gone for the controller, whose event is on its way: the controller's "unknown connection"
  0x02 as -514 (binding: ble_hs_err_to_errno gives numbers it does not know as negative ones, and
  ble_hs.h:109 has HCI's from 0x200 on). With a connection that the host does not know: False.
* gap_advertise stops what was advertised first (binding:804), whatever comes then: 32 bytes of data
  -18 (ble_gap.c:2905 gives HCI's bare number), of scan response EINVAL (ble_gap.c:2933), no free
  connection ENOMEM (ble_gap.c:2768). An interval under 20 ms: EINVAL in a2acac3 (ble_gap.c:2741);
  Apache's takes it.
* Switching on asks for the peers' secrets, then for the identity key, then for the peers' again
  (binding: load_irk ends with ble_hs_misc_restore_irks).
* Secrets are asked for and handed over with the host's lock held (ble_store.c:31, 54, 84); what
  needs that lock waits for it, with MicroPython's lock held: gatts_notify, gap_disconnect and
  gap_advertise at that moment never return. Read from the sources; not seen. All other events are
  told without that lock (ble_gap.c asserts that), by the host's one task: their handlers may call.
* The secrets of a peer are asked for when its link is encrypted (ble_sm.c:1483 of a2acac3, with the
  identity that its address was resolved to), when it begins to pair (918), and when it reads or
  writes, without encryption, what asks for that (ble_att_svr.c:346).
* A handler that raises is dropped for good (extmod/modbluetooth.c:1245).
* Four connections (ports/esp32/boards/sdkconfig.ble, extmod/nimble/syscfg/syscfg.h:45).
* One security procedure at a time (syscfg.h:121, BLE_SM_MAX_PROCS); what belongs to one is told
  without anything else between (ble_sm.c: ble_sm_process_result).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stack:
    """The behaviour of one stack.

    Attributes:
        keys_first: A pairing hands over its keys before it reports that the link is encrypted.
        mtu_first: MTU_EXCHANGED may come before CENTRAL_CONNECT.
    """

    keys_first: bool
    mtu_first: bool


STACKS = {
    # The official images of MicroPython 1.25.0. nimble/host/src/ble_sm.c: ble_gap_enc_event, then
    # ble_sm_persist_keys: a2acac3 (ESP-IDF 5.2.2) lines 1022, 1036; f29df73a (5.2) 1000, 1014;
    # 299279a4 (5.1.4) 1022, 1036; 73112f9b (5.3) 1030, 1044; Apache's 1.0 to 1.9, 42849560
    # (942, 956) among them. CENTRAL_CONNECT came first, always.
    "enc-first": Stack(keys_first=False, mtu_first=False),
    # ble_sm.c: d87234ed (ESP-IDF 5.2.3) lines 1025, 1030; 32b2124f (5.3.2) 1031, 1036; Apache's
    # master of August 2026 954, 969; the copy in ESP-IDF 5.5.5 (ble_sm_process_result). ESP-IDF
    # 5.4.2 pins 0225775e, which no stored copy has: inferred, from those before and after it.
    # CONNECT comes late: ESP-IDF 5.5.5's ble_gap_rx_conn_complete asks the peer for its version and
    # then its features first, and ble_gap_rx_rd_rem_sup_feat_complete tells. What the peer sends
    # meanwhile is told, and its secrets are asked for. MicroPython 10ef3e4a saw the same of 5.4.2.
    "keys-first": Stack(keys_first=True, mtu_first=True),
}
DEFAULT = "enc-first"

# Numbers of errors: of errno.h on the boards that are emulated, and NimBLE's own.
EALREADY = 114
UNKNOWN_CONNECTION = -514
CONNECTIONS_MAX = 4
