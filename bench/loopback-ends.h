/* SPDX-License-Identifier: Apache-2.0 */
/* loopback-ends.h - what loopback.c measures: the two ends of a caiman connection and of a plain
 * TCP connection, each run in a process of its own. */
#pragma once

#include "core/config.h"

#include <netinet/in.h>

typedef struct {
  struct sockaddr_in address; /* of the server */
  int listen_fd;
  char congestion[16];
  guint n_links;  /* of caiman */
  guint n_quiet;  /* connections that are open beside the one that is measured */
  gsize size;     /* bytes of a write, a read, a message */
  gint64 time_ns; /* from when all are connected */
  gboolean ping;  /* back and forth, instead of bulk one way */
  CaimanConfig config;
} LoopbackSetup;

/* What an end has seen. */
typedef struct {
  guint64 bytes;            /* received */
  gint64 first_ns, last_ns; /* of these */
  gint64 cpu_ns;            /* while the measured connection was busy */
  gint64 peak_kib;
  guint64 n_pings;
  gint64 ping_median_ns;
} LoopbackResult;

typedef void (*LoopbackEnd) (const LoopbackSetup *setup, LoopbackResult *result_out);

void loopback_tcp_server (const LoopbackSetup *setup, LoopbackResult *result_out);
void loopback_tcp_client (const LoopbackSetup *setup, LoopbackResult *result_out);
void loopback_caiman_server (const LoopbackSetup *setup, LoopbackResult *result_out);
void loopback_caiman_client (const LoopbackSetup *setup, LoopbackResult *result_out);

/* CLOCK_MONOTONIC */
gint64 loopback_now (void);

/* Processor time of this process so far. */
gint64 loopback_cpu (void);

/* Median of an array of gint64, which is sorted thereby; 0 of an empty one. */
gint64 loopback_median (GArray *values);
