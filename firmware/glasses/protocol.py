# SPDX-License-Identifier: Apache-2.0
"""The numbers of the wire protocol; what the bytes mean is in SPEC.md.

Generated from firmware/protocol.toml: change that file, and run
`python -m workbench.build.protocol`.
"""

PROTOCOL_VERSION = 1

# 128-bit UUIDs of the Glint service, drawn at random once (uuid4) with a counter in the first
# group.
UUID_GLINT_SERVICE = "326f0001-3c3b-4423-a411-52f6691438bd"
UUID_EVENTS = "326f0002-3c3b-4423-a411-52f6691438bd"
UUID_MEDIA = "326f0003-3c3b-4423-a411-52f6691438bd"
UUID_PAIRING = "326f0004-3c3b-4423-a411-52f6691438bd"
# MCUmgr's published SMP over Bluetooth UUIDs (docs.zephyrproject.org, "SMP Transport
# Specification").
UUID_SMP_SERVICE = "8d53dc1d-1db7-4cd3-868b-8a527460aa84"
UUID_SMP = "da2e7828-fbce-4e01-ae9e-261174997c48"

# Bluetooth SIG assigned numbers, 16 bit.
SIG_DEVICE_INFORMATION = 0x180A
SIG_MANUFACTURER_NAME = 0x2A29
SIG_MODEL_NUMBER = 0x2A24
SIG_SERIAL_NUMBER = 0x2A25
SIG_FIRMWARE_REVISION = 0x2A26
SIG_BATTERY_SERVICE = 0x180F
SIG_BATTERY_LEVEL = 0x2A19

# Type byte of an event record: u32 sequence, u32 time_ms, u8 type, CBOR map (all little endian).
EVENT_BOOT = 1  # {"board": str, "firmware": str, "boot": int}
# {"word": str, "p": float, "at_ms": int (microphone time of the end of the deciding hop)}
EVENT_WAKE = 2
EVENT_SEEN = 3  # {"label": str, "p": float, "by": str (model's name, or "motion"), "media"?: int}
# {"id": int, "kind": "audio" | "photo" | "file", "codec": str, "bytes": int, ...}: a media object
# begins
EVENT_MEDIA = 4
# {"id": int, "crc": int, "bytes"?: int} or {"id": int, "error": str}: it is complete, or given up
EVENT_MEDIA_END = 5
EVENT_BATTERY = 6  # {"percent": int, "mv": int}
EVENT_BUTTON = 7  # {"pressed": bool}
EVENT_GAP = 8  # {"count": int}: that many records up to this sequence number were dropped unread
# {"about": "settings" | "model" | "bonds" | "erased" | "camera", "text": str}: something was put
# right, and how
EVENT_NOTICE = 9
# {"lost_ms": int, "silent": bool}: sound that never came, since boot; whether none comes now
EVENT_MICROPHONE = 10

# Manufacturer specific data of the advertisement: one byte, as the pairing characteristic's.
ADVERTISED_COMPANY = 0xFFFF  # the SIG's number for whoever has none

# First byte of what is written to the media characteristic.
# u16 n: notify n chunks more, from now on; replaces what is left of earlier grants
MEDIA_CREDIT = 1
MEDIA_WANT = 2  # u16 id, then u32 start, u32 stop, up to limit.media_ranges times: send these bytes
MEDIA_RELEASE = 3  # u16 id: the object has arrived, or is not wanted: forget it

# What the glasses do, from the least to the most; boards say what each takes.
STATE_OFF = 0
STATE_IDLE = 1  # the microphone's words are nobody's to hear
STATE_LISTENING = 2
STATE_WATCHING = 3  # the glasses look by themselves, or a photo is taken or looked at
STATE_ENGAGED = 4  # sound is recorded or streamed

LIMIT_SEQUENCE = 0xFFFFFFFE  # the last number of a boot's events: the glasses start anew before
LIMIT_EVENT_BYTES = 160  # a whole event record, so that it fits one notification at MTU 185
LIMIT_EVENT_HEADER_BYTES = 9
LIMIT_MEDIA_HEADER_BYTES = 6  # u16 id, u32 offset, then the data
LIMIT_MEDIA_RANGES = 16  # in one request for media
LIMIT_SMP_BYTES = 1024  # one SMP message, header included, either direction
LIMIT_SMP_HALF_MS = 2000  # how long the glasses wait for the next write of a request
LIMIT_IMAGE_BYTES = 0x300000  # an update image, header and TLVs included
LIMIT_IMAGE_TLV_BYTES = 1024  # either of its TLV areas
LIMIT_TRUSTED_KEYS = 4  # keys whose updates are taken
LIMIT_RETIRED_KEYS = 16  # keys that never are again
LIMIT_KEY_NAME_BYTES = 32  # what one is called, UTF-8
LIMIT_FILE_BYTES = 0x100000  # a file that is uploaded
LIMIT_BONDS = 5  # companions that are known
LIMIT_BOND_NAME_BYTES = 32  # what one is called, UTF-8
LIMIT_RECORD_MIN_MS = 1000  # a recording, and the sound kept of a wake word
LIMIT_RECORD_MAX_MS = 60000
LIMIT_WATCH_MIN_MS = 100  # from one look of glasses that watch to the next
LIMIT_WATCH_MAX_MS = 5000
LIMIT_NAME_BYTES = 11  # what the glasses are called: what a scan response has room for
LIMIT_BATTERY_MAH = 20000  # what a battery may hold
LIMIT_WORDS = 4  # wake words that are listened for at once
LIMIT_MODEL_NAME_BYTES = 32
LIMIT_REASON_BYTES = 200  # of UTF-8: why a request was refused
LIMIT_PAIRING_HOLD_MS = 2000  # how long the button is held to open the pairing window
LIMIT_PAIRING_WINDOW_MS = 60000
LIMIT_NEW_WINDOW_MS = 300000  # the window of new glasses, from their start
LIMIT_ERASE_HOLD_MS = 10000  # how long the button is held to erase settings, events and bonds
LIMIT_LINKS = 3  # companions and strangers that are connected at a time
LIMIT_STRANGER_MS = 30000  # how long a peer may be connected to pair, while that is allowed
LIMIT_ENCRYPT_MS = 5000  # how long a companion that is known may take to encrypt its link

SMP_HEADER_BYTES = 8
SMP_GROUP_OS = 0
SMP_OS_ECHO = 0
SMP_OS_DATETIME = 4  # "YYYY-MM-DDTHH:MM:SS[.f][Z]", as a companion has set it
SMP_OS_RESET = 5  # write {}: the glasses answer and start anew
SMP_OS_PARAMETERS = 6
SMP_OS_INFO = 7
SMP_GROUP_IMAGE = 1
SMP_IMAGE_STATE = 0  # read: the slots; write {"hash"?, "confirm"?}: test or confirm one
SMP_IMAGE_UPLOAD = 1  # write {"off", "data", "len"?, "sha"?, "upgrade"?} -> {"off", "match"?}
SMP_IMAGE_ERASE = 5  # write {"slot"?}
SMP_GROUP_STAT = 2
SMP_STAT_DATA = 0
SMP_STAT_LIST = 1
SMP_GROUP_FILE = 8
SMP_FILE_DATA = 0  # read: download; write: upload
SMP_FILE_STATUS = 1
SMP_FILE_HASH = 2
SMP_FILE_HASHES = 3  # the kinds of hash
SMP_FILE_CLOSE = 4
SMP_GROUP_GLINT = 64  # the first of the user's groups
SMP_GLINT_STATUS = 0  # read: the glasses' state
# write {"from": seq}: start sending events to this connection, from that number on
SMP_GLINT_EVENTS = 1
SMP_GLINT_PHOTO = 2  # write {}: take a photo -> {"id": int}
SMP_GLINT_RECORD = 3  # write {"ms": int}: record the microphone -> {"id": int}
SMP_GLINT_STOP = 4  # write {}: end the recording under way: it is as long as it has become
SMP_GLINT_FILE = 5  # write {"name": str}: send a file -> {"id": int}
# write {"every_ms"?: int}: watch while this link lasts, or no more -> {"every_ms": int}
SMP_GLINT_WATCH = 6

SMP_GLINT_BOOT = 16  # read: whether this is safe mode, and the last crash and refused update
SMP_GLINT_DOWNGRADE = 17  # write {}: until the next reset, take images older than what runs
# read: the keys whose updates are taken, the security counter, whether it is closed
SMP_GLINT_TRUST = 18

SMP_GLINT_BONDS = 32  # read: the companions that are known; write {"id", "remove" | "name"}
SMP_GLINT_PAIRING = 33  # read: the pairing window; write {"open": bool}
SMP_GLINT_CONFIG = 34  # read: the settings; write {"set": {key: value}}
# read {"from"?}: the models; write {"name", "to": "active" | "idle" | "remove"}
SMP_GLINT_MODELS = 35
SMP_GLINT_JOURNAL = 36  # read: what it keeps; write {"acknowledge": seq}

# {"err": {"group": 64, "rc": n}} of the Glint group.
RC_BAD_REQUEST = 1
RC_BUSY = 2
RC_NO_CAMERA = 3
RC_FAILED = 4
RC_NOT_FOUND = 5  # no such bond, setting or model
RC_WRONG_TYPE = 6  # a value of another type than the setting's
RC_OUT_OF_RANGE = 7  # a value that is too small, too large or too long

# {"err": {"group": 0 | 2 | 8, "rc": n}}: MCUmgr's codes, of which these are used.
OS_RC_INVALID_FORMAT = 2
OS_RC_CLOCK_NOT_SET = 4

STAT_RC_INVALID_GROUP = 2

FILE_RC_INVALID_NAME = 2  # not FOLDER/NAME
FILE_RC_NOT_FOUND = 3
FILE_RC_READ_FAILED = 7
FILE_RC_WRITE_FAILED = 10  # also: no room
FILE_RC_OFFSET_NOT_VALID = 11  # what is uploaded goes on elsewhere
FILE_RC_OFFSET_TOO_LARGE = 12
FILE_RC_HASH_NOT_FOUND = 13
FILE_RC_EMPTY = 16

# Update images: MCUboot's format.
IMAGE_HEADER_BYTES = 32
IMAGE_TLV_BOARD = 0x00A0  # protected, UTF-8: the board it is for
# protected, CBOR: {"add"?: {name: modulus}, "retire"?: [key hash], "close"?: true}
IMAGE_TLV_TRUST = 0x00A1

# {"err": {"group": 1, "rc": n}}: MCUmgr's codes, of which these are used.
IMAGE_RC_NO_IMAGE = 3  # no slot holds such an image
IMAGE_RC_NO_TLVS = 4
# hash, signature or board missing or twice, another kind, key or signature
IMAGE_RC_INVALID_TLV = 5
IMAGE_RC_TLV_INVALID_SIZE = 7
IMAGE_RC_NO_FREE_SLOT = 9
IMAGE_RC_WRITE_FAILED = 12
IMAGE_RC_INVALID_SLOT = 14
IMAGE_RC_INVALID_OFFSET = 20
IMAGE_RC_INVALID_LENGTH = 21
IMAGE_RC_INVALID_HEADER = 22
IMAGE_RC_INVALID_MAGIC = 23
IMAGE_RC_INVALID_HASH = 24
IMAGE_RC_CURRENT_IS_NEWER = 27
IMAGE_RC_ALREADY_PENDING = 28  # an image is pending or on trial: reset, confirm or erase first
IMAGE_RC_OTHER_BOARD = 29  # Zephyr's "invalid vector table": not made for this device
IMAGE_RC_IMAGE_TOO_LARGE = 30
IMAGE_RC_DATA_OVERRUN = 31
IMAGE_RC_CONFIRMATION_DENIED = 32
IMAGE_RC_TEST_OF_ACTIVE = 33
IMAGE_RC_INVALID_PAYLOAD = 1  # signed, but no ROMFS with an application in it

# The pairing characteristic: one byte.
PAIRING_CLOSED = 0
PAIRING_OPEN = 1
PAIRING_FULL = 2  # open, but there are as many bonds as there can be

# IMA ADPCM, 16 kHz mono, first sample in the low nibble, state from 0/0
CODEC_ADPCM = "ima-adpcm-16k"
CODEC_JPEG = "jpeg"
CODEC_RAW = "raw"  # a file's bytes
