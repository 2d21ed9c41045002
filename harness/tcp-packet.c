/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-packet.c - see tcp-packet.h (RFC 791, RFC 9293, RFC 1071, RFC 2018, RFC 7323). */
#include "harness/tcp-packet.h"

#include <string.h>

#define ETHERNET_HEADER_BYTES 14
#define IP_HEADER_BYTES       20
#define TCP_HEADER_BYTES      20
#define TCP_OPTIONS_MAX_BYTES 40

#define ETHERTYPE_IPV4 0x0800
#define PROTOCOL_TCP   6
#define DONT_FRAGMENT  0x4000
#define TTL            64

#define OPTION_NOP          1
#define OPTION_MSS          2
#define OPTION_WINDOW_SCALE 3
#define OPTION_SACK_OK      4
#define OPTION_SACK         5
#define OPTION_TIMESTAMPS   8

static void
put_u16 (guint8 *at, guint16 value)
{
  value = GUINT16_TO_BE (value);
  memcpy (at, &value, sizeof value);
}

static void
put_u32 (guint8 *at, guint32 value)
{
  value = GUINT32_TO_BE (value);
  memcpy (at, &value, sizeof value);
}

/* The sum of the 16-bit words, an odd byte padded with zero. */
static guint32
add_words (guint32 sum, const guint8 *bytes, gsize size)
{
  for (gsize i = 0; i + 1 < size; i += 2)
    sum += (guint32)(bytes[i] << 8 | bytes[i + 1]);
  if (size % 2 == 1)
    sum += (guint32)bytes[size - 1] << 8;
  return sum;
}

static guint16
fold (guint32 sum)
{
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (guint16)~sum;
}

/* With what fills the option to whole words. */
static gsize
write_timestamps (const TcpPacket *packet, guint8 *at)
{
  gboolean is_syn = packet->flags & TCP_SYN;
  at[0] = is_syn ? OPTION_SACK_OK : OPTION_NOP;
  at[1] = is_syn ? 2 : OPTION_NOP;
  at[2] = OPTION_TIMESTAMPS;
  at[3] = 10;
  put_u32 (at + 4, packet->ts_value);
  put_u32 (at + 8, packet->ts_echo);
  return 12;
}

static gsize
write_sacks (const TcpPacket *packet, guint8 *at)
{
  gsize size = 4;
  at[0] = at[1] = OPTION_NOP;
  at[2] = OPTION_SACK;
  at[3] = (guint8)(2 + 8 * packet->n_sacks);
  for (guint i = 0; i < packet->n_sacks; i++, size += 8) {
    put_u32 (at + size, packet->sacks[i].start);
    put_u32 (at + size + 4, packet->sacks[i].end);
  }
  return size;
}

static gsize
write_options (const TcpPacket *packet, guint8 options[TCP_OPTIONS_MAX_BYTES])
{
  gsize size = 0;
  if (packet->mss_bytes > 0) {
    options[size] = OPTION_MSS;
    options[size + 1] = 4;
    put_u16 (&options[size + 2], packet->mss_bytes);
    size += 4;
  }
  if (packet->has_timestamps)
    size += write_timestamps (packet, &options[size]);
  if (packet->has_timestamps && packet->n_sacks > 0)
    size += write_sacks (packet, &options[size]);
  if (packet->window_scale >= 0) {
    const guint8 scale[4] = { OPTION_NOP, OPTION_WINDOW_SCALE, 3, (guint8)packet->window_scale };
    memcpy (&options[size], scale, sizeof scale);
    size += sizeof scale;
  }
  return size;
}

static void
write_ip (const TcpPacket *packet, guint8 *ip, gsize tcp_bytes)
{
  memset (ip, 0, IP_HEADER_BYTES);
  ip[0] = 4 << 4 | IP_HEADER_BYTES / 4;
  put_u16 (ip + 2, (guint16)(IP_HEADER_BYTES + tcp_bytes));
  put_u16 (ip + 4, packet->ip_id);
  put_u16 (ip + 6, DONT_FRAGMENT);
  ip[8] = TTL;
  ip[9] = PROTOCOL_TCP;
  put_u32 (ip + 12, packet->source.address);
  put_u32 (ip + 16, packet->destination.address);
  put_u16 (ip + 10, fold (add_words (0, ip, IP_HEADER_BYTES)));
}

/* With what is behind it in the frame: @tcp_bytes in all. */
static void
write_tcp (const TcpPacket *packet, guint8 *tcp, gsize header_bytes, gsize tcp_bytes)
{
  put_u16 (tcp, packet->source.port);
  put_u16 (tcp + 2, packet->destination.port);
  put_u32 (tcp + 4, packet->seq);
  put_u32 (tcp + 8, packet->flags & TCP_ACK ? packet->ack : 0);
  tcp[12] = (guint8)(header_bytes / 4 << 4);
  tcp[13] = (guint8)packet->flags;
  put_u16 (tcp + 14, packet->window);
  put_u32 (tcp + 16, 0);
  /* The pseudo header. */
  guint32 sum = (packet->source.address >> 16) + (packet->source.address & 0xffff) +
                (packet->destination.address >> 16) + (packet->destination.address & 0xffff) +
                PROTOCOL_TCP + (guint32)tcp_bytes;
  put_u16 (tcp + 16, fold (add_words (sum, tcp, tcp_bytes)) ^ (packet->is_damaged ? 1 : 0));
}

void
tcp_packet_write (const TcpPacket *packet, GByteArray *frame_out)
{
  guint8 options[TCP_OPTIONS_MAX_BYTES];
  gsize header_bytes = TCP_HEADER_BYTES + write_options (packet, options);
  gsize tcp_bytes = header_bytes + packet->payload_bytes;
  g_assert (IP_HEADER_BYTES + tcp_bytes <= G_MAXUINT16 - ETHERNET_HEADER_BYTES);

  g_byte_array_set_size (frame_out, (guint)(ETHERNET_HEADER_BYTES + IP_HEADER_BYTES + tcp_bytes));
  guint8 *ethernet = frame_out->data, *ip = ethernet + ETHERNET_HEADER_BYTES;
  guint8 *tcp = ip + IP_HEADER_BYTES;
  memcpy (ethernet, packet->destination.mac, sizeof packet->destination.mac);
  memcpy (ethernet + 6, packet->source.mac, sizeof packet->source.mac);
  put_u16 (ethernet + 12, ETHERTYPE_IPV4);
  write_ip (packet, ip, tcp_bytes);
  memcpy (tcp + TCP_HEADER_BYTES, options, header_bytes - TCP_HEADER_BYTES);
  if (packet->payload_bytes > 0)
    memcpy (tcp + header_bytes, packet->payload, packet->payload_bytes);
  write_tcp (packet, tcp, header_bytes, tcp_bytes);
}
