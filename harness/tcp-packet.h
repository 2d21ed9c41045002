/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-packet.h - the bytes of a TCP segment in IPv4 in Ethernet, with right checksums. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  TCP_FIN = 1 << 0,
  TCP_SYN = 1 << 1,
  TCP_RST = 1 << 2,
  TCP_PSH = 1 << 3,
  TCP_ACK = 1 << 4,
} TcpFlags;

#define TCP_PACKET_SACKS_MAX 3

typedef struct {
  guint32 start, end;
} TcpSack;

/* One end. */
typedef struct {
  guint8 mac[6];
  guint32 address; /* in host order */
  guint16 port;
} TcpEndpoint;

typedef struct {
  TcpEndpoint source, destination;
  guint32 seq, ack; /* @ack counts with TCP_ACK only */
  TcpFlags flags;
  guint16 window;          /* as on the wire, not scaled */
  guint16 ip_id;           /* numbers the packets of a sender */
  guint16 mss_bytes;       /* option of a SYN; 0: none */
  gint window_scale;       /* option of a SYN; -1: none */
  gboolean has_timestamps; /* with SYN, SACK is permitted, too */
  guint32 ts_value, ts_echo;
  guint n_sacks; /* with timestamps alone */
  TcpSack sacks[TCP_PACKET_SACKS_MAX];
  gboolean is_damaged; /* its checksum is wrong */
  const guint8 *payload;
  gsize payload_bytes; /* no more than fits into an IPv4 packet (asserted) */
} TcpPacket;

/* Replaces what is in @frame_out. */
void tcp_packet_write (const TcpPacket *packet, GByteArray *frame_out);

G_END_DECLS
