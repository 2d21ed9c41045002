/* SPDX-License-Identifier: Apache-2.0 */
/* segment.c - see segment.h. */
#include "lab/segment.h"

#include <string.h>

#define IP_HEADER_BYTES  20
#define TCP_HEADER_BYTES 20
#define PROTOCOL_ICMP    1
#define PROTOCOL_TCP     6
#define TTL              64

/* Offsets in a TCP header. */
#define TCP_CHECKSUM 16

/* Offsets in an IPv4 header. */
#define IP_FRAGMENT 6
#define IP_CHECKSUM 10
#define IP_SOURCE   12
#define IP_DEST     16

static guint16
get_u16 (const guint8 *from)
{
  return (guint16)(from[0] << 8 | from[1]);
}

static guint32
get_u32 (const guint8 *from)
{
  return (guint32)get_u16 (from) << 16 | get_u16 (from + 2);
}

static void
put_u16 (guint8 *to, guint16 value)
{
  to[0] = (guint8)(value >> 8);
  to[1] = (guint8)value;
}

static void
put_u32 (guint8 *to, guint32 value)
{
  put_u16 (to, (guint16)(value >> 16));
  put_u16 (to + 2, (guint16)value);
}

/* --- Checksums --- */

static guint32
add_words (guint32 sum, const guint8 *data, gsize size)
{
  for (gsize i = 0; i + 1 < size; i += 2)
    sum += get_u16 (data + i);
  if (size & 1)
    sum += (guint32)data[size - 1] << 8;
  return sum;
}

static guint16
fold (guint32 sum)
{
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (guint16)~sum;
}

/* The checksum at @checksum after a 16-bit word that it covers has changed (RFC 1624, 3). */
static void
update_checksum (guint8 *checksum, guint16 before, guint16 after)
{
  guint32 sum = (guint16)~get_u16 (checksum);

  sum += (guint16)~before;
  sum += after;
  put_u16 (checksum, fold (sum));
}

/* --- Reading --- */

gboolean
lab_segment_parse (LabSegment *segment, guint8 *packet, gsize size)
{
  if (size < IP_HEADER_BYTES + TCP_HEADER_BYTES || packet[0] >> 4 != 4 || packet[9] != PROTOCOL_TCP)
    return FALSE;
  gsize tcp_offset = (gsize)(packet[0] & 15) * 4;
  gsize total = get_u16 (packet + 2);
  gboolean is_fragment = (get_u16 (packet + IP_FRAGMENT) & 0x3fff) != 0;
  if (is_fragment || tcp_offset < IP_HEADER_BYTES || total > size ||
      total < tcp_offset + TCP_HEADER_BYTES)
    return FALSE;
  const guint8 *tcp = packet + tcp_offset;
  gsize payload_offset = tcp_offset + (gsize)(tcp[12] >> 4) * 4;
  if (payload_offset < tcp_offset + TCP_HEADER_BYTES || payload_offset > total)
    return FALSE;
  *segment = (LabSegment) { .packet = packet,
                            .size = total,
                            .tcp_offset = tcp_offset,
                            .payload_offset = payload_offset,
                            .source = get_u32 (packet + IP_SOURCE),
                            .destination = get_u32 (packet + IP_DEST),
                            .source_port = get_u16 (tcp),
                            .destination_port = get_u16 (tcp + 2),
                            .seq = get_u32 (tcp + 4),
                            .ack = get_u32 (tcp + 8),
                            .flags = tcp[13] };
  return TRUE;
}

gsize
lab_segment_get_payload_bytes (const LabSegment *segment)
{
  return segment->size - segment->payload_offset;
}

gboolean
lab_packet_must_not_fragment (const guint8 *packet, gsize size)
{
  return size >= IP_HEADER_BYTES && packet[0] >> 4 == 4 && (packet[IP_FRAGMENT] & 0x40) != 0;
}

/* --- Changing --- */

void
lab_segment_flip (LabSegment *segment, gsize offset, guint bit, gboolean covered)
{
  gsize at = segment->payload_offset + offset;
  guint8 *word = segment->packet + segment->tcp_offset + ((at - segment->tcp_offset) & ~(gsize)1);
  gboolean is_last_byte = word + 1 == segment->packet + segment->size;
  guint16 before = is_last_byte ? (guint16)(word[0] << 8) : get_u16 (word);

  segment->packet[at] ^= (guint8)(1u << bit);
  if (covered)
    update_checksum (segment->packet + segment->tcp_offset + TCP_CHECKSUM, before,
                     is_last_byte ? (guint16)(word[0] << 8) : get_u16 (word));
}

static void
set_port (LabSegment *segment, gsize offset, guint16 port)
{
  guint8 *at = segment->packet + segment->tcp_offset + offset;

  update_checksum (segment->packet + segment->tcp_offset + TCP_CHECKSUM, get_u16 (at), port);
  put_u16 (at, port);
}

void
lab_segment_set_source_port (LabSegment *segment, guint16 port)
{
  set_port (segment, 0, port);
  segment->source_port = port;
}

void
lab_segment_set_destination_port (LabSegment *segment, guint16 port)
{
  set_port (segment, 2, port);
  segment->destination_port = port;
}

/* --- Forging --- */

static void
put_ip_header (guint8 *to, gsize size, guint8 protocol, guint32 source, guint32 destination)
{
  memset (to, 0, IP_HEADER_BYTES);
  to[0] = 0x45;
  put_u16 (to + 2, (guint16)size);
  to[IP_FRAGMENT] = 0x40;
  to[8] = TTL;
  to[9] = protocol;
  put_u32 (to + IP_SOURCE, source);
  put_u32 (to + IP_DEST, destination);
  put_u16 (to + IP_CHECKSUM, fold (add_words (0, to, IP_HEADER_BYTES)));
}

typedef struct {
  guint32 source, destination;
  guint16 source_port, destination_port;
  guint32 seq, ack;
  guint8 flags;
} Reset;

static void
put_reset (guint8 out[LAB_RST_BYTES], const Reset *reset)
{
  guint8 *tcp = out + IP_HEADER_BYTES;

  put_ip_header (out, LAB_RST_BYTES, PROTOCOL_TCP, reset->source, reset->destination);
  memset (tcp, 0, TCP_HEADER_BYTES);
  put_u16 (tcp, reset->source_port);
  put_u16 (tcp + 2, reset->destination_port);
  put_u32 (tcp + 4, reset->seq);
  put_u32 (tcp + 8, reset->ack);
  tcp[12] = (TCP_HEADER_BYTES / 4) << 4;
  tcp[13] = reset->flags;
  guint32 sum = add_words (0, out + IP_SOURCE, 8);
  sum = add_words (sum + PROTOCOL_TCP + TCP_HEADER_BYTES, tcp, TCP_HEADER_BYTES);
  put_u16 (tcp + TCP_CHECKSUM, fold (sum));
}

gsize
lab_segment_make_reset (const LabSegment *segment, guint8 out[LAB_RST_BYTES])
{
  Reset reset = { .source = segment->destination,
                  .destination = segment->source,
                  .source_port = segment->destination_port,
                  .destination_port = segment->source_port };

  if (segment->flags & LAB_TCP_RST)
    return 0;
  if (segment->flags & LAB_TCP_ACK) {
    reset.seq = segment->ack;
    reset.flags = LAB_TCP_RST;
  } else {
    gsize length = lab_segment_get_payload_bytes (segment);
    length += (segment->flags & LAB_TCP_SYN) != 0;
    length += (segment->flags & LAB_TCP_FIN) != 0;
    reset.ack = segment->seq + (guint32)length;
    reset.flags = LAB_TCP_RST | LAB_TCP_ACK;
  }
  put_reset (out, &reset);
  return LAB_RST_BYTES;
}

/* ICMP: type 3 with @code, checksum, unused, the next hop's MTU; then the head of the packet. */
static gsize
put_unreachable (guint8 out[LAB_ICMP_BYTES_MAX], const guint8 *packet, gsize size, guint8 code,
                 guint mtu_bytes)
{
  guint8 *icmp = out + IP_HEADER_BYTES;
  gsize quoted = MIN (size, (gsize)LAB_ICMP_BYTES_MAX - IP_HEADER_BYTES - 8);

  put_ip_header (out, IP_HEADER_BYTES + 8 + quoted, PROTOCOL_ICMP, get_u32 (packet + IP_DEST),
                 get_u32 (packet + IP_SOURCE));
  memset (icmp, 0, 8);
  icmp[0] = 3;
  icmp[1] = code;
  put_u16 (icmp + 6, (guint16)MIN (mtu_bytes, 65535u));
  memcpy (icmp + 8, packet, quoted);
  put_u16 (icmp + 2, fold (add_words (0, icmp, 8 + quoted)));
  return IP_HEADER_BYTES + 8 + quoted;
}

static gboolean
is_ipv4 (const guint8 *packet, gsize size)
{
  return size >= IP_HEADER_BYTES && packet[0] >> 4 == 4;
}

gsize
lab_make_too_big (const guint8 *packet, gsize size, guint mtu_bytes, guint8 out[LAB_ICMP_BYTES_MAX])
{
  return is_ipv4 (packet, size) ? put_unreachable (out, packet, size, 4, mtu_bytes) : 0;
}

gsize
lab_make_unreachable (const guint8 *packet, gsize size, guint8 out[LAB_ICMP_BYTES_MAX])
{
  if (!is_ipv4 (packet, size) || packet[9] == PROTOCOL_ICMP)
    return 0;
  return put_unreachable (out, packet, size, 1, 0);
}

gboolean
lab_packet_may_be_for (const guint8 *packet, gsize size, guint32 address)
{
  return !is_ipv4 (packet, size) || memcmp (packet + IP_DEST, &address, sizeof address) == 0;
}
