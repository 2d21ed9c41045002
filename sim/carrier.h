/* SPDX-License-Identifier: Apache-2.0 */
/* carrier.h - what a path carrier (pipe, ...) and network.c know of each other. Private to sim/.
 *
 * The path holds its configuration and its lasting faults; the carrier reads them. Everything that
 * changes while bytes may be on their way is bracketed by will_change() and changed(). */
#pragma once

#include "sim/tap.h"

G_BEGIN_DECLS

/* A carrier's state for one path; each carrier defines its own. */
typedef struct _SimCarrier SimCarrier;

typedef struct {
  SimCarrier *(*new) (SimLinkPath *path);

  /* Drops what is left; no end is held by a user any more (asserted). */
  void (*free) (SimCarrier *self);

  /* sim_link_path_connect() */
  CaimanTransport *(*connect) (SimCarrier *self);

  guint (*get_connections) (SimCarrier *self);

  /* Bytes in front of the bottleneck of a direction. */
  gsize (*get_queued_bytes) (SimCarrier *self, SimDirection direction);

  /* Around each change of a direction's path (rate, delay, jitter, loss, queue) or of its
   * blackhole or pause. */
  void (*will_change) (SimCarrier *self, SimDirection direction);
  void (*changed) (SimCarrier *self, SimDirection direction);

  /* The interface has gone down (the path says so already). */
  void (*went_down) (SimCarrier *self);

  void (*reset) (SimCarrier *self);
  void (*close) (SimCarrier *self);

  /* The end that sends in @direction vanishes. */
  void (*half_open) (SimCarrier *self, SimDirection direction);

  /* (nullable) A NAT in front of the client forgets its mappings. */
  void (*rebind) (SimCarrier *self);
} SimCarrierClass;

typedef struct {
  SimPath *path;
  gboolean paused;
  gboolean dark;          /* a blackhole */
  gint64 dark_since_ns;   /* start of the latest blackhole; -1 before the first */
  guint64 corrupt_frames; /* still to be corrupted; G_MAXUINT64: no end */
} SimPathDirection;

struct _SimLinkPath {
  SimNetwork *network;     /* (borrowed) */
  CaimanTimerQueue *queue; /* (borrowed) */
  char *name;
  gpointer user_data;
  SimPathDirection directions[SIM_N_DIRECTIONS];
  gboolean down;
  gboolean refusing;
  gboolean tapped; /* whether the network has a tap: ask before an event is made for it */
  gint64 connect_timeout_ns;
  gsize receive_buffer_bytes; /* 0: it tunes itself (tcp) */
  SimTcpConfig tcp;
  guint n_connects; /* connections so far */
  const SimCarrierClass *klass;
  SimCarrier *carrier;
};

extern const SimCarrierClass sim_pipe_class;
extern const SimCarrierClass sim_tcp_carrier_class;

/* Tells the network's tap, if there is one; time and path of @event are filled in. */
void sim_link_path_tap (SimLinkPath *path, SimTapEvent event);

/* TRUE when the network has an accept call-back and the path does not refuse. */
gboolean sim_link_path_accepts (const SimLinkPath *path);

/* Gives the server's @end to the accept call-back, which must be there (asserted). */
void sim_link_path_accept (SimLinkPath *path, CaimanTransport *end);

/* The sum of both directions' current delays, without jitter. */
gint64 sim_link_path_get_rtt (const SimLinkPath *path);

G_END_DECLS
