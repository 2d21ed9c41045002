/* SPDX-License-Identifier: Apache-2.0 */
/* bottleneck-private.h - what packet-path.c and bottleneck.c know of each other. */
#pragma once

#include "sim/bottleneck.h"

G_BEGIN_DECLS

/* Whose packets come, and where they go. */
struct _SimFeed {
  gpointer self;

  /* @packet's last bit left at @now_ns. */
  void (*departed) (gpointer self, const SimPacket *packet, guint32 wire_bytes, gint64 now_ns);

  /* The queue dropped @packet, which was in it. */
  void (*dropped) (gpointer self, const SimPacket *packet, SimDropCause cause);

  guint n_inside; /* packets of this feed in the bottleneck */
};

/* Like sim_bottleneck_new(), with the name of its random stream as it is. */
SimBottleneck *sim_bottleneck_new_stream (const SimBottleneckConfig *config, guint64 run_seed,
                                          const char *stream, SimDueFunc due, gpointer user_data,
                                          gint64 now_ns);

/* NONE: taken; @feed will hear of it. */
SimDropCause sim_bottleneck_put (SimBottleneck *bottleneck, SimFeed *feed, const SimPacket *packet,
                                 guint32 wire_bytes, gint64 now_ns);

/* Drops all of @feed's packets. The rest of one in service still takes its time. */
void sim_bottleneck_purge (SimBottleneck *bottleneck, SimFeed *feed, SimDropCause cause);

/* When the packet in service departs; CAIMAN_TIME_NEVER when there is none or it is paused. */
gint64 sim_bottleneck_get_departure (const SimBottleneck *bottleneck);

G_END_DECLS
