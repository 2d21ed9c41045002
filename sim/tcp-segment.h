/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-segment.h - what two TCP endpoints of the simulator send each other: headers without bytes.
 *
 * Sequence numbers are offsets in the stream of a direction, 64 bits wide: byte 0 is the first one
 * behind the SYN, a FIN takes the number behind the last byte. The bytes themselves do not travel;
 * both ends of a simulated connection look at the same stream (tcp-stream.h). */
#pragma once

#include "core/types.h"

G_BEGIN_DECLS

/* IPv4 (20) and TCP (20) with the timestamps option (12): what each segment costs beside payload.
 */
#define SIM_TCP_HEADER_BYTES 52
/* IPv4 and TCP with MSS, SACK-permitted, timestamps and window scale. */
#define SIM_TCP_SYN_BYTES 60
/* Ethernet's MTU, and what it leaves for payload. */
#define SIM_TCP_MTU_DEFAULT_BYTES 1500
#define SIM_TCP_MSS_DEFAULT_BYTES (SIM_TCP_MTU_DEFAULT_BYTES - SIM_TCP_HEADER_BYTES)
/* With timestamps, a header has room for three blocks (RFC 2018, 3). */
#define SIM_TCP_SACKS_MAX 3

typedef enum {
  SIM_TCP_SYN = 1 << 0,
  SIM_TCP_ACK = 1 << 1,
  SIM_TCP_FIN = 1 << 2,
  SIM_TCP_RST = 1 << 3,
  SIM_TCP_PSH = 1 << 4,
} SimTcpFlags;

/* [start, end) */
typedef struct {
  gint64 start;
  gint64 end;
} SimTcpRange;

typedef struct {
  gint64 seq;
  gint64 ack;          /* with ACK: the next byte expected */
  gint64 window_bytes; /* the scale has been applied */
  gint64 ts_value_ms;
  gint64 ts_echo_ms; /* -1: none yet */
  guint32 payload_bytes;
  guint8 flags; /* SimTcpFlags */
  guint8 n_sacks;
  SimTcpRange sacks[SIM_TCP_SACKS_MAX]; /* a duplicate report (RFC 2883) comes first */
} SimTcpSegment;

/* Bytes of the IP packet. */
static inline guint32
sim_tcp_segment_get_size (const SimTcpSegment *segment)
{
  if (segment->flags & SIM_TCP_SYN)
    return SIM_TCP_SYN_BYTES;
  return SIM_TCP_HEADER_BYTES + segment->payload_bytes +
         (segment->n_sacks > 0 ? 4 + 8 * (guint32)segment->n_sacks : 0);
}

/* The number behind the segment: payload and FIN count. */
static inline gint64
sim_tcp_segment_get_end (const SimTcpSegment *segment)
{
  return segment->seq + segment->payload_bytes + !!(segment->flags & SIM_TCP_FIN);
}

G_END_DECLS
