-- SPDX-License-Identifier: Apache-2.0
-- caiman.lua - a Wireshark dissector for the links of caiman and its peers (docs/PROTOCOL.md: frames
-- of section 2, messages of section 3).
--
--   wireshark -X lua_script:tools/wireshark/caiman.lua x.pcapng
--   tshark    -X lua_script:tools/wireshark/caiman.lua -r x.pcapng -Y 'caiman.type == 7'
--
-- or copy it into the folder that Help, About, Folders calls "Personal Lua Plugins". It takes TCP
-- ports 5800 (tunnel, simulator) and 5700 (speed test), and finds links on other ports by what a
-- server or client says first. Of links in TLS nothing can be seen.

local caiman = Proto ("caiman", "Caiman link (LIAG)")

local TYPES = {
  [1] = "Welcome", [2] = "Connect", [3] = "Accepted", [4] = "Refused", [5] = "Ping", [6] = "Pong",
  [7] = "Data", [8] = "Ack", [9] = "Consumed", [10] = "SendFinish", [11] = "ReceiveClose",
  [12] = "ReceiveFinish", [13] = "TestData", [14] = "SetBlock", [15] = "Goodbye",
  [16] = "Terminate",
}
local REFUSALS = {
  [1] = "closed", [2] = "not listening", [3] = "connection refused", [4] = "link refused",
}

local HEADER_BYTES = 10
local PAYLOAD_MAX_BYTES = 8 * 1024 * 1024
local TYPE_DATA = 7
local MAGIC = "4c49414700" -- "LIAG\0"

local f = {
  frame_length = ProtoField.uint32 ("caiman.frame.length", "Payload length"),
  frame_seq = ProtoField.uint16 ("caiman.frame.seq", "Frame number"),
  frame_crc = ProtoField.uint32 ("caiman.frame.crc", "CRC-32", base.HEX),
  frame_crc_ok = ProtoField.bool ("caiman.frame.crc.ok", "CRC-32 is right"),
  kind = ProtoField.uint8 ("caiman.type", "Message", base.DEC, TYPES),
  seq = ProtoField.uint32 ("caiman.seq", "Sequence number"),
  data_length = ProtoField.uint32 ("caiman.data.length", "Length of data"),
  data = ProtoField.bytes ("caiman.data", "Data"),
  magic = ProtoField.bytes ("caiman.magic", "Magic"),
  version = ProtoField.uint8 ("caiman.version", "Version"),
  extensions = ProtoField.uint32 ("caiman.extensions", "Extensions", base.HEX),
  public_key = ProtoField.bytes ("caiman.public_key", "Public key"),
  server_id = ProtoField.bytes ("caiman.server_id", "Server id"),
  connection_id = ProtoField.bytes ("caiman.connection_id", "Encrypted connection id"),
  existing = ProtoField.bool ("caiman.existing", "Connection exists"),
  user_data = ProtoField.bytes ("caiman.user_data", "User data"),
  receive_buffer = ProtoField.uint32 ("caiman.receive_buffer", "Receive buffer"),
  refused = ProtoField.uint8 ("caiman.refused", "Refused because", base.DEC, REFUSALS),
  consumed = ProtoField.uint32 ("caiman.consumed", "Bytes consumed"),
  filler = ProtoField.uint32 ("caiman.test_data.length", "Length of filler"),
  blocked = ProtoField.bool ("caiman.blocked", "Blocked"),
}
caiman.fields = {}
for _, field in pairs (f) do
  table.insert (caiman.fields, field)
end

local e = {
  order = ProtoExpert.new ("caiman.frame.out_of_sequence", "The frame's number is not the next one",
                           expert.group.SEQUENCE, expert.severity.ERROR),
  crc = ProtoExpert.new ("caiman.frame.bad_crc", "The frame's checksum is wrong",
                         expert.group.CHECKSUM, expert.severity.ERROR),
  big = ProtoExpert.new ("caiman.frame.too_big", "The frame is larger than 8 MiB",
                         expert.group.MALFORMED, expert.severity.ERROR),
  bad = ProtoExpert.new ("caiman.bad_message", "The message cannot be parsed",
                         expert.group.MALFORMED, expert.severity.ERROR),
}
caiman.experts = { e.order, e.crc, e.big, e.bad }

caiman.prefs.ports = Pref.range ("TCP ports", "5700,5800", "Ports that are taken for links", 65535)
caiman.prefs.check_crc = Pref.bool ("Check the CRC-32 of frames", false,
                                    "Slow: some megabytes a second")

local tcp_stream = Field.new ("tcp.stream")
local tcp_source = Field.new ("tcp.srcport")

-- What is known of one direction of a stream while it is gone through for the first time: the next
-- frame's number, and whether that frame is the payload of a Data message.
local directions = {}
-- What was known when each frame came, by packet and frame number: later, packets are looked at in any
-- order.
local known = {}

function caiman.init ()
  directions = {}
  known = {}
end

-- ---- CRC-32 ----

local crc_table

local function make_crc_table ()
  crc_table = {}
  for i = 0, 255 do
    local c = i
    for _ = 1, 8 do
      if bit32.band (c, 1) == 1 then
        c = bit32.bxor (0xedb88320, bit32.rshift (c, 1))
      else
        c = bit32.rshift (c, 1)
      end
    end
    crc_table[i] = c
  end
end

local function get_crc (range)
  if crc_table == nil then
    make_crc_table ()
  end
  local bytes = range:raw ()
  local c = 0xffffffff
  for i = 1, #bytes do
    c = bit32.bxor (crc_table[bit32.band (bit32.bxor (c, bytes:byte (i)), 0xff)],
                    bit32.rshift (c, 8))
  end
  return bit32.bnot (c) % 0x100000000
end

-- ---- messages ----

-- Each gets the message without its type byte, its tree and what is known of the frame; it returns
-- a text for the info column, or nil when the message is too short.

local function dissect_hello (body, tree, has_connection_id)
  local fixed = 5 + 1 + 4 + 32 + 16 + (has_connection_id and 17 or 0) + 2
  if body:len () < fixed then
    return nil
  end
  tree:add (f.magic, body (0, 5))
  tree:add (f.version, body (5, 1))
  tree:add (f.extensions, body (6, 4))
  tree:add (f.public_key, body (10, 32))
  tree:add (f.server_id, body (42, 16))
  local at = 58
  if has_connection_id then
    tree:add (f.connection_id, body (58, 16))
    tree:add (f.existing, body (74, 1))
    at = 75
  end
  local user_data_bytes = body (at, 2):uint ()
  if body:len () < fixed + user_data_bytes + 4 then
    return nil
  end
  if user_data_bytes > 0 then
    tree:add (f.user_data, body (at + 2, user_data_bytes))
  end
  tree:add (f.receive_buffer, body (at + 2 + user_data_bytes, 4))
  return ""
end

local function dissect_seq (body, tree)
  if body:len () < 4 then
    return nil
  end
  tree:add (f.seq, body (0, 4))
  return " " .. body (0, 4):uint ()
end

local function dissect_consumed (body, tree)
  if body:len () < 8 then
    return nil
  end
  tree:add (f.seq, body (0, 4))
  tree:add (f.consumed, body (4, 4))
  return string.format (" %d, %d bytes", body (0, 4):uint (), body (4, 4):uint ())
end

local function dissect_byte (field)
  return function (body, tree)
    if body:len () < 1 then
      return nil
    end
    tree:add (field, body (0, 1))
    return " " .. body (0, 1):uint ()
  end
end

local function dissect_filler (body, tree)
  tree:add (f.filler, body:len ()):set_generated ()
  return string.format (" of %d bytes", body:len ())
end

local function dissect_nothing ()
  return ""
end

local bodies = {
  [1] = function (body, tree) return dissect_hello (body, tree, false) end,
  [2] = function (body, tree) return dissect_hello (body, tree, true) end,
  [3] = dissect_nothing,
  [4] = dissect_byte (f.refused),
  [5] = dissect_nothing,
  [6] = dissect_nothing,
  [7] = dissect_seq,
  [8] = dissect_seq,
  [9] = dissect_consumed,
  [10] = dissect_seq,
  [11] = dissect_seq,
  [12] = dissect_seq,
  [13] = dissect_filler,
  [14] = dissect_byte (f.blocked),
  [15] = dissect_nothing,
  [16] = dissect_nothing,
}

-- ---- frames ----

local function get_direction ()
  local key = tostring (tcp_stream ()) .. "/" .. tostring (tcp_source ())
  if directions[key] == nil then
    directions[key] = { next_seq = nil, data_seq = nil }
  end
  return directions[key]
end

-- What is known of the frame that is being dissected: looked up, or on the first visit found out.
local function get_known (tvb, pinfo)
  local of_packet = known[pinfo.number]
  if of_packet == nil then
    of_packet = {}
    known[pinfo.number] = of_packet
  end
  local seq = tvb (4, 2):uint ()
  if of_packet[seq] ~= nil then
    return of_packet[seq]
  end
  local direction = get_direction ()
  local length = tvb (0, 4):uint ()
  local facts = { data_seq = direction.data_seq, expected_seq = direction.next_seq }
  if facts.expected_seq ~= seq then
    facts.data_seq = nil -- something between has not been captured
  end
  direction.next_seq = (seq + 1) % 65536
  direction.data_seq = nil
  if facts.data_seq == nil and length >= 5 and tvb (HEADER_BYTES, 1):uint () == TYPE_DATA then
    direction.data_seq = tvb (HEADER_BYTES + 1, 4):uint ()
  end
  of_packet[seq] = facts
  return facts
end

local function add_header (tvb, tree, facts)
  tree:add (f.frame_length, tvb (0, 4))
  local seq = tree:add (f.frame_seq, tvb (4, 2))
  if facts.expected_seq ~= nil and facts.expected_seq ~= tvb (4, 2):uint () then
    seq:add_proto_expert_info (e.order)
  end
  local crc = tree:add (f.frame_crc, tvb (6, 4))
  if caiman.prefs.check_crc then
    local length = tvb:len () - HEADER_BYTES
    local is_right = length == 0 and tvb (6, 4):uint () == 0 or
                     length > 0 and get_crc (tvb (HEADER_BYTES)) == tvb (6, 4):uint ()
    tree:add (f.frame_crc_ok, tvb (6, 4), is_right):set_generated ()
    if not is_right then
      crc:add_proto_expert_info (e.crc)
    end
  end
end

local function add_data (payload, tree, seq)
  tree:add (f.seq, seq):set_generated ()
  tree:add (f.data_length, payload:len ()):set_generated ()
  if payload:len () > 0 then
    tree:add (f.data, payload:range ())
  end
  return string.format ("[%d: %d bytes]", seq, payload:len ())
end

local function add_message (payload, tree)
  local kind = payload:len () > 0 and payload (0, 1):uint () or 0
  if bodies[kind] == nil then
    tree:add_proto_expert_info (e.bad)
    return "unknown message"
  end
  tree:add (f.kind, payload (0, 1))
  local body = payload:len () > 1 and payload (1):tvb () or ByteArray.new ():tvb ("empty")
  local text = bodies[kind] (body, tree)
  if text == nil then
    tree:add_proto_expert_info (e.bad)
    text = " (too short)"
  end
  return TYPES[kind] .. text
end

local INFO_MAX = 4 -- texts in the info column
local n_infos = 0

local function add_info (pinfo, text)
  n_infos = n_infos + 1
  if n_infos <= INFO_MAX then
    pinfo.cols.info:append ((n_infos > 1 and ", " or "") .. text)
  elseif n_infos == INFO_MAX + 1 then
    pinfo.cols.info:append (", ...")
  end
end

local function dissect_frame (tvb, pinfo, root)
  local length = tvb (0, 4):uint ()
  local tree = root:add (caiman, tvb (), "Caiman link, frame " .. tvb (4, 2):uint ())
  if length > PAYLOAD_MAX_BYTES then
    tree:add_proto_expert_info (e.big)
    return tvb:len ()
  end
  local facts = get_known (tvb, pinfo)
  add_header (tvb, tree, facts)
  local payload = length > 0 and tvb (HEADER_BYTES, length):tvb () or
                  ByteArray.new ():tvb ("empty")
  local text
  if facts.data_seq ~= nil then
    text = add_data (payload, tree, facts.data_seq)
  else
    text = add_message (payload, tree)
  end
  tree:append_text (": " .. text)
  add_info (pinfo, text)
  return tvb:len ()
end

-- A frame that is too big ends the stream: its header is all there is to see.
local function get_frame_bytes (tvb, pinfo, offset)
  local length = tvb (offset, 4):uint ()
  return HEADER_BYTES + (length <= PAYLOAD_MAX_BYTES and length or 0)
end

function caiman.dissector (tvb, pinfo, root)
  -- A packet that ends one frame and holds others comes in several calls.
  if tostring (pinfo.cols.protocol) ~= "Caiman" then
    n_infos = 0
    pinfo.cols.protocol = "Caiman"
    pinfo.cols.info = ""
  end
  -- Wireshark puts nothing together with a segment that is damaged or out of place.
  if pinfo.can_desegment == 0 then
    root:add (caiman, tvb (), "Caiman link, part of a stream that is not put together")
    return tvb:len ()
  end
  dissect_tcp_pdus (tvb, root, HEADER_BYTES, get_frame_bytes, dissect_frame)
  return tvb:len ()
end

-- ---- which TCP connections ----

-- The first frame of either side begins with a known type and the magic.
local function is_hello (tvb)
  if tvb:len () < HEADER_BYTES + 6 or tvb (4, 2):uint () ~= 0 then
    return false
  end
  local kind = tvb (HEADER_BYTES, 1):uint ()
  return (kind == 1 or kind == 2) and tostring (tvb (HEADER_BYTES + 1, 5):bytes ()):lower () == MAGIC
end

caiman:register_heuristic ("tcp", function (tvb, pinfo, root)
  if not is_hello (tvb) then
    return false
  end
  pinfo.conversation = caiman
  caiman.dissector (tvb, pinfo, root)
  return true
end)

local ports = DissectorTable.get ("tcp.port")
local registered

local function register_ports ()
  if registered ~= nil then
    ports:remove (registered, caiman)
  end
  registered = tostring (caiman.prefs.ports)
  ports:add (registered, caiman)
end

function caiman.prefs_changed ()
  register_ports ()
end

register_ports ()
