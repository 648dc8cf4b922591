-- SPDX-License-Identifier: Apache-2.0
-- Wireshark's dissector of what glasses and companions say to each other (firmware/SPEC.md):
--
--     wireshark -X lua_script:glint.lua -r radio.btsnoop
--
-- A capture has to hold how the companion found the characteristics, or no handle has a name.

local NOTIFICATION = 0x1b -- the operation of ATT
local EVENT_HEADER_BYTES, SMP_HEADER_BYTES = 9, 8

local EVENTS = {
  [1] = "boot", [2] = "wake", [3] = "seen", [4] = "media", [5] = "media_end", [6] = "battery",
  [7] = "button", [8] = "gap", [9] = "notice", [10] = "microphone",
}
local COMMANDS = { [1] = "credit", [2] = "want", [3] = "release" }
local OPERATIONS = { [0] = "read", [1] = "read response", [2] = "write", [3] = "write response" }

local cbor = Dissector.get("cbor")
local operation = Field.new("btatt.opcode")

local function is_notification()
  local found = operation()
  return found ~= nil and found.value == NOTIFICATION
end

local function note(packet, text)
  packet.cols.protocol = "Glint"
  packet.cols.info:append(" " .. text)
end

local event = Proto("glint_event", "Glint event")
local event_sequence = ProtoField.uint32("glint_event.seq", "Sequence number")
local event_time = ProtoField.uint32("glint_event.time_ms", "Milliseconds since boot")
local event_type = ProtoField.uint8("glint_event.type", "Type", base.DEC, EVENTS)
local event_read = ProtoField.uint32("glint_event.acknowledged", "Acknowledged up to")
event.fields = { event_sequence, event_time, event_type, event_read }

function event.dissector(buffer, packet, tree)
  local part = tree:add(event, buffer())
  if not is_notification() then
    part:add_le(event_read, buffer(0, 4))
    note(packet, "acknowledge " .. buffer(0, 4):le_uint())
    return
  end
  part:add_le(event_sequence, buffer(0, 4))
  part:add_le(event_time, buffer(4, 4))
  part:add(event_type, buffer(8, 1))
  note(packet, EVENTS[buffer(8, 1):uint()] or "event")
  cbor:call(buffer(EVENT_HEADER_BYTES):tvb(), packet, part)
end

local media = Proto("glint_media", "Glint media")
local media_command = ProtoField.uint8("glint_media.command", "Command", base.DEC, COMMANDS)
local media_notifications = ProtoField.uint16("glint_media.notifications", "Notifications")
local media_id = ProtoField.uint16("glint_media.id", "Object")
local media_start = ProtoField.uint32("glint_media.start", "From byte")
local media_stop = ProtoField.uint32("glint_media.stop", "To byte")
local media_offset = ProtoField.uint32("glint_media.offset", "Offset")
local media_data = ProtoField.bytes("glint_media.data", "Data")
media.fields = {
  media_command, media_notifications, media_id, media_start, media_stop, media_offset, media_data,
}

function media.dissector(buffer, packet, tree)
  local part = tree:add(media, buffer())
  if is_notification() then
    part:add_le(media_id, buffer(0, 2))
    part:add_le(media_offset, buffer(2, 4))
    if buffer:len() > 6 then
      part:add(media_data, buffer(6))
    end
    note(packet, "media " .. buffer(0, 2):le_uint())
    return
  end
  local command = buffer(0, 1):uint()
  part:add(media_command, buffer(0, 1))
  note(packet, COMMANDS[command] or "media command")
  if command == 1 then
    part:add_le(media_notifications, buffer(1, 2))
    return
  end
  part:add_le(media_id, buffer(1, 2))
  for at = 3, buffer:len() - 8, 8 do
    part:add_le(media_start, buffer(at, 4))
    part:add_le(media_stop, buffer(at + 4, 4))
  end
end

local smp = Proto("glint_smp", "SMP")
local smp_operation = ProtoField.uint8("glint_smp.op", "Operation", base.DEC, OPERATIONS, 7)
local smp_group = ProtoField.uint16("glint_smp.group", "Group")
local smp_sequence = ProtoField.uint8("glint_smp.sequence", "Sequence number")
local smp_command = ProtoField.uint8("glint_smp.command", "Command")
local smp_piece = ProtoField.bytes("glint_smp.piece", "Piece of a longer message")
smp.fields = { smp_operation, smp_group, smp_sequence, smp_command, smp_piece }

function smp.dissector(buffer, packet, tree)
  local part = tree:add(smp, buffer())
  local length = buffer:len()
  if length < SMP_HEADER_BYTES or buffer(2, 2):uint() ~= length - SMP_HEADER_BYTES then
    part:add(smp_piece, buffer())
    note(packet, "SMP, a piece")
    return
  end
  part:add(smp_operation, buffer(0, 1))
  part:add(smp_group, buffer(4, 2))
  part:add(smp_sequence, buffer(6, 1))
  part:add(smp_command, buffer(7, 1))
  local what = OPERATIONS[buffer(0, 1):bitfield(5, 3)] or "SMP"
  note(packet, what .. " " .. buffer(4, 2):uint() .. "/" .. buffer(7, 1):uint())
  cbor:call(buffer(SMP_HEADER_BYTES):tvb(), packet, part)
end

local characteristics = DissectorTable.get("bluetooth.uuid")
characteristics:add("326f0002-3c3b-4423-a411-52f6691438bd", event)
characteristics:add("326f0003-3c3b-4423-a411-52f6691438bd", media)
characteristics:add("da2e7828-fbce-4e01-ae9e-261174997c48", smp)
