/* SPDX-License-Identifier: Apache-2.0 */
/* types.h - the units and limits that every layer shares.
 *
 * Time is an int64 count of nanoseconds since an origin that the caller chooses; the core only
 * ever compares and subtracts. Every function that needs the time takes it as its argument @now_ns
 * (last but for @error). Rates are bits per second, sizes are bytes. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CAIMAN_NS_PER_US G_GINT64_CONSTANT (1000)
#define CAIMAN_NS_PER_MS G_GINT64_CONSTANT (1000000)
#define CAIMAN_NS_PER_S  G_GINT64_CONSTANT (1000000000)

/* "No deadline": later than every instant. */
#define CAIMAN_TIME_NEVER G_MAXINT64

/* Largest payload of a frame on a byte stream, and so of a message (PROTOCOL.md, 2 and 5). */
#define CAIMAN_FRAME_PAYLOAD_MAX_BYTES (8u * 1024u * 1024u)

/* Largest message of a handshake, with room for fields of later versions. */
#define CAIMAN_HANDSHAKE_MAX_BYTES (CAIMAN_USER_DATA_MAX_BYTES + 1024u)

/* How far a sequence number may run ahead of the oldest unacknowledged one (PROTOCOL.md, 5). */
#define CAIMAN_SEQ_WINDOW 65536u

/* Largest user data of a handshake (PROTOCOL.md, 3: the length field is a u16). */
#define CAIMAN_USER_DATA_MAX_BYTES 65535u

/* Most links of one connection that a policy looks at (config.h, links_max). */
#define CAIMAN_LINKS_MAX 256

/* Bytes in a connection id and in a server id (u128, big-endian on the wire). */
#define CAIMAN_ID_BYTES 16

/* A u128 as its 16 big-endian bytes. A server id of all zeroes means "none". */
typedef struct {
  guint8 bytes[CAIMAN_ID_BYTES];
} CaimanId;

/* @a * @b / @c without overflow in between; @c > 0, result truncated towards zero and clamped to
 * the range of int64. */
static inline gint64
caiman_muldiv (gint64 a, gint64 b, gint64 c)
{
  gint64 product;
  if (!__builtin_mul_overflow (a, b, &product))
    return product / c;
  __int128 result = (__int128)a * b / c;
  if (result > G_MAXINT64)
    return G_MAXINT64;
  if (result < G_MININT64)
    return G_MININT64;
  return (gint64)result;
}

/* @time_ns + @delta_ns, where "never" and overflow stay "never". Both >= 0. */
static inline gint64
caiman_time_add (gint64 time_ns, gint64 delta_ns)
{
  if (time_ns >= CAIMAN_TIME_NEVER - delta_ns)
    return CAIMAN_TIME_NEVER;
  return time_ns + delta_ns;
}

G_END_DECLS
