/* SPDX-License-Identifier: Apache-2.0 */
/* speed.h - the speed test of `caiman speed`, wire-compatible with agg-speed (PROTOCOL.md, section
 * 8): each end sends speed-content.h, checks every byte that it gets, and measures.
 *
 * What counts as sent is what the peer has acknowledged; what counts as received is what was
 * checked. Each direction's clock starts when the connection is open. */
#pragma once

#include "apps/endpoint.h"

G_BEGIN_DECLS

/* The default port, as the peers' (PROTOCOL.md, section 8). */
#define SPEED_PORT 5700

typedef struct {
  gboolean no_send, no_receive;
  gint64 time_ns;      /* both directions end after this; 0: no limit */
  guint64 limit_bytes; /* each direction ends after this, a multiple of a block; 0: no limit */
} SpeedLimits;

typedef struct {
  guint64 sent_bytes, received_bytes;
  gint64 send_time_ns, receive_time_ns; /* from the open connection to the end of that direction */
  gboolean connected;                   /* it was open at some time */
  gboolean complete;                    /* it ran to the end that the limits or the peer set */
  gboolean corrupt;                     /* what came was wrong, from this byte on: */
  guint64 corrupt_at_bytes;
  CaimanReason reason; /* why it is not complete */
} SpeedResult;

typedef struct _Speed Speed;

typedef struct {
  AppRole role;
  SpeedLimits limits; /* a server's: zero-initialised, the client decides */
  gboolean oneshot;   /* server: ends after one test */
  /* Client: how long to wait for the first link; 0: ten seconds, but three when all that is tried
   * is refused. */
  gint64 connect_timeout_ns;
} SpeedOptions;

/* Makes the endpoint; app_options_apply() connects it or has it listen. Errors: no descriptors
 * left. */
Speed *speed_new (const SpeedOptions *options, const CaimanConfig *config, GError **error);
void speed_free (Speed *speed); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Speed, speed_free)

AppEndpoint *speed_get_endpoint (Speed *speed);

/* Runs: a client one test, a server until a signal or, with oneshot, the end of the first test.
 * Returns the signal that ended it, or 0. */
int speed_run (Speed *speed);

/* Of the last test; zero-initialised when there was none. */
const SpeedResult *speed_get_result (const Speed *speed);

/* (nullable) When there was no connection: what was tried, in a line. */
const char *speed_get_failure (const Speed *speed);

/* (transfer full) The result for people, two lines, and as a JSON object, with speeds in bytes per
 * second (null for a direction that was not measured). */
char *speed_format_text (const SpeedResult *result, const SpeedLimits *limits);
char *speed_format_json (const SpeedResult *result, const SpeedLimits *limits);

G_END_DECLS
