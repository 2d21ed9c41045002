/* SPDX-License-Identifier: Apache-2.0 */
/* packets.h - TCP segments made from a few words, and their checksums checked, for the lab's tests.
 */
#pragma once

#include "lab/segment.h"

G_BEGIN_DECLS

#define PACKET_MAX 256

typedef struct {
  guint32 source, destination;
  guint16 source_port, destination_port;
  guint32 seq, ack;
  guint8 flags;
  const char *payload; /* (nullable) */
} PacketSpec;

/* Returns its size; all checksums are right. */
gsize packet_make (const PacketSpec *spec, guint8 out[PACKET_MAX]);

/* Sums up headers and payload anew. */
gboolean packet_ip_is_right (const guint8 *packet);
gboolean packet_tcp_is_right (const guint8 *packet);
gboolean packet_icmp_is_right (const guint8 *packet);

G_END_DECLS
