/* SPDX-License-Identifier: Apache-2.0 */
/* packets.c - see packets.h. Written apart from lab/segment.c, so that the two can disagree. */
#include "tests/lab/packets.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>

/* The ones' complement sum of @size bytes, as a number from 0 to 0xffff (RFC 1071). */
static guint
sum_of (const guint8 *data, gsize size, guint sum)
{
  for (gsize i = 0; i < size; i++)
    sum += i % 2 == 0 ? (guint)data[i] * 256 : data[i];
  while (sum > 0xffff)
    sum = sum % 0x10000 + sum / 0x10000;
  return sum;
}

static gsize
get_total (const guint8 *packet)
{
  return (gsize)packet[2] * 256 + packet[3];
}

static guint
tcp_sum (const guint8 *packet)
{
  gsize tcp_bytes = get_total (packet) - 20;
  guint pseudo = sum_of (packet + 12, 8, IPPROTO_TCP + (guint)tcp_bytes);

  return sum_of (packet + 20, tcp_bytes, pseudo);
}

gboolean
packet_ip_is_right (const guint8 *packet)
{
  return sum_of (packet, 20, 0) == 0xffff;
}

gboolean
packet_tcp_is_right (const guint8 *packet)
{
  return tcp_sum (packet) == 0xffff;
}

gboolean
packet_icmp_is_right (const guint8 *packet)
{
  return sum_of (packet + 20, get_total (packet) - 20, 0) == 0xffff;
}

gsize
packet_make (const PacketSpec *spec, guint8 out[PACKET_MAX])
{
  gsize payload = spec->payload ? strlen (spec->payload) : 0;
  gsize total = 40 + payload;
  struct iphdr ip = { .version = 4,
                      .ihl = 5,
                      .tot_len = htons ((guint16)total),
                      .frag_off = htons (IP_DF),
                      .ttl = 64,
                      .protocol = IPPROTO_TCP,
                      .saddr = htonl (spec->source),
                      .daddr = htonl (spec->destination) };
  struct tcphdr tcp = { .th_sport = htons (spec->source_port),
                        .th_dport = htons (spec->destination_port),
                        .th_seq = htonl (spec->seq),
                        .th_ack = htonl (spec->ack),
                        .th_off = 5,
                        .th_flags = spec->flags,
                        .th_win = htons (1000) };

  g_assert_cmpuint (total, <=, PACKET_MAX);
  memcpy (out, &ip, sizeof ip);
  memcpy (out + 20, &tcp, sizeof tcp);
  if (payload > 0)
    memcpy (out + 40, spec->payload, payload);
  guint16 check = htons ((guint16)(0xffff - sum_of (out, 20, 0)));
  memcpy (out + 10, &check, sizeof check);
  check = htons ((guint16)(0xffff - tcp_sum (out)));
  memcpy (out + 36, &check, sizeof check);
  return total;
}
