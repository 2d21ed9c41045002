/* SPDX-License-Identifier: Apache-2.0 */
/* packet.h - a packet on a simulated path, and what may become of it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Largest packet, in bytes. */
#define SIM_PACKET_MAX_BYTES (1u << 30)

typedef enum {
  /* Set by the owner: routers may not fragment it. */
  SIM_PACKET_DONT_FRAGMENT = 1 << 0,
  /* Set by the path. */
  SIM_PACKET_CORRUPTED = 1 << 1, /* bits have been flipped on the way */
  SIM_PACKET_DUPLICATE = 1 << 2, /* a second copy, made on the way */
  /* For the owner to use as it likes; the path passes them on. */
  SIM_PACKET_USER_1 = 1 << 16,
  SIM_PACKET_USER_2 = 1 << 17,
} SimPacketFlags;

/* A value; the path copies it. @data is the owner's and never looked at. */
typedef struct {
  gpointer data;
  guint32 size_bytes; /* of the IP packet, 1 ... SIM_PACKET_MAX_BYTES */
  guint32 flags;      /* SimPacketFlags */
} SimPacket;

typedef enum {
  SIM_DROP_NONE,      /* not dropped */
  SIM_DROP_LOSS,      /* by the loss model */
  SIM_DROP_FULL,      /* the queue is full: the packet that came (tail) or the oldest (head) */
  SIM_DROP_EARLY,     /* by CoDel or RED */
  SIM_DROP_MTU,       /* too large for the path, nobody is told (a path-MTU blackhole) */
  SIM_DROP_TOO_BIG,   /* too large for the path: the sender is told (ICMP fragmentation needed) */
  SIM_DROP_BLACKHOLE, /* would have arrived during a blackhole */
  SIM_DROP_FLUSHED,   /* by sim_packet_path_flush(), or still there when the path was freed */
  SIM_N_DROP_CAUSES,
} SimDropCause;

/* Static names as they stand in metrics: "loss", "full", "early", ... */
const char *sim_drop_cause_to_string (SimDropCause cause);

G_END_DECLS
