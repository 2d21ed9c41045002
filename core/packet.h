/* SPDX-License-Identifier: Apache-2.0 */
/* packet.h - what goes out on a link in one piece: a message, and a Data message's payload.
 *
 * The payload of a Data message travels as the next packet of the same link (PROTOCOL.md, 3);
 * keeping both in one struct is what keeps them together. On a byte stream each becomes a frame
 * (PROTOCOL.md, 2); a packet-preserving carrier sends one or two packets. */
#pragma once

#include "types.h"

G_BEGIN_DECLS

typedef struct _CaimanLink CaimanLink;

/* Most bytes of a message that is held inline; longer ones are in @message. */
#define CAIMAN_PACKET_INLINE_BYTES 16

typedef struct {
  CaimanLink *link; /* the link to send it on (borrowed) */
  GBytes *message;  /* (owned, nullable) the message when it does not fit inline */
  GBytes *payload;  /* (owned, nullable) the packet that follows a Data message; may be empty */
  guint8 inline_bytes[CAIMAN_PACKET_INLINE_BYTES];
  guint8 inline_len; /* bytes used in @inline_bytes; 0 when @message is set */
} CaimanPacket;

/* The message's bytes (borrowed from @packet) and their number. */
static inline const guint8 *
caiman_packet_get_message (const CaimanPacket *packet, gsize *size_out)
{
  if (packet->message)
    return (const guint8 *)g_bytes_get_data (packet->message, size_out);
  *size_out = packet->inline_len;
  return packet->inline_bytes;
}

/* Bytes of the message and of the payload behind it, without any framing. */
static inline gsize
caiman_packet_get_size (const CaimanPacket *packet)
{
  return (packet->message ? g_bytes_get_size (packet->message) : packet->inline_len) +
         (packet->payload ? g_bytes_get_size (packet->payload) : 0);
}

/* 1, or 2 when a payload follows. */
static inline guint
caiman_packet_get_frames (const CaimanPacket *packet)
{
  return packet->payload ? 2 : 1;
}

/* Drops what @packet owns. */
static inline void
caiman_packet_clear (CaimanPacket *packet)
{
  g_clear_pointer (&packet->message, g_bytes_unref);
  g_clear_pointer (&packet->payload, g_bytes_unref);
  packet->inline_len = 0;
}

G_END_DECLS
