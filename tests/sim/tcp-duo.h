/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-duo.h - two TCP endpoints and a plain line between them, for tests of the state machine: a
 * rate, a delay, a tail-drop queue, and the losses that a test asks for. No randomness of its own.
 */
#pragma once

#include "sim/tcp-endpoint.h"

#define MS(n)   ((n)*CAIMAN_NS_PER_MS)
#define SEC(n)  ((n)*CAIMAN_NS_PER_S)
#define MBIT(n) ((n)*G_GINT64_CONSTANT (1000000))
#define MSS     SIM_TCP_MSS_DEFAULT_BYTES

typedef struct _TcpDuo TcpDuo;

/* TRUE: the @n-th segment (from 0) of this direction is lost. */
typedef gboolean (*TcpDropFunc) (TcpDuo *duo, guint n, const SimTcpSegment *segment);

typedef struct {
  gint64 at_ns; /* sent */
  SimTcpSegment segment;
  gboolean dropped;
} TcpSent;

typedef struct {
  gint64 rate_bps; /* 0: unlimited */
  gint64 delay_ns;
  gint64 queue_bytes; /* 0: unlimited; in service counts */
  TcpDropFunc drop;   /* nullable */
  gboolean dark;      /* all are lost */
  guint n_sent, n_lost, n_full;
  gint64 free_ns; /* the wire is */
  GArray *flying; /* of Flying, private */
  guint first;
  GArray *log; /* of TcpSent; filled while duo->logs */
} TcpLine;

typedef struct {
  SimTcp *tcp;
  gboolean reading; /* takes all that comes at once */
  gint64 to_write;  /* still to be written, as the send buffer has room */
  gint64 n_read;
  guint events;                                    /* all that have come */
  gint64 connected_ns, failed_ns, done_ns, fin_ns; /* -1: not */
  gint64 last_read_ns;
} TcpEnd;

struct _TcpDuo {
  gint64 now_ns;
  TcpEnd ends[2];   /* 0 connects */
  TcpLine lines[2]; /* 0 carries what end 0 sends */
  gboolean logs;
  gboolean refuses;     /* a RST answers SYNs */
  guint64 drop_mask[4]; /* for tcp_duo_drop_by_mask(): data segments of line 0 by number */
  guint n_data[2];
  SimTcpConfig config[2];
  CaimanPrng prng;
  guint32 loss_ppb; /* for tcp_duo_drop_randomly() */
  gpointer user_data;
};

/* Lines both alike; ends of @config (NULL: the defaults), not connected. */
TcpDuo *tcp_duo_new (const SimTcpConfig *config, gint64 rate_bps, gint64 delay_ns,
                     gint64 queue_bytes);
void tcp_duo_free (TcpDuo *duo);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TcpDuo, tcp_duo_free)

/* Starts to connect / runs until both ends are established. */
void tcp_duo_connect (TcpDuo *duo);
void tcp_duo_establish (TcpDuo *duo);

/* End @end writes @bytes more; pulls what is to be sent. */
void tcp_duo_write (TcpDuo *duo, guint end, gint64 bytes);
void tcp_duo_set_reading (TcpDuo *duo, guint end, gboolean reading);
void tcp_duo_close (TcpDuo *duo, guint end);
void tcp_duo_abort (TcpDuo *duo, guint end);

/* The end is gone: whatever comes for it is ignored (not even a RST). */
void tcp_duo_vanish (TcpDuo *duo, guint end);

/* Lets time pass; until all that was written has been read (or @most_ns went by: FALSE). */
void tcp_duo_advance (TcpDuo *duo, gint64 for_ns);
void tcp_duo_advance_to (TcpDuo *duo, gint64 at_ns);
gboolean tcp_duo_finish (TcpDuo *duo, gint64 most_ns);

SimTcpInfo tcp_duo_get_info (TcpDuo *duo, guint end);

/* TcpDropFuncs. The first loses the first transmission of each data segment of line 0 whose number
 * (seq / MSS) has its bit set in drop_mask; the second each segment with loss_ppb. */
gboolean tcp_duo_drop_by_mask (TcpDuo *duo, guint n, const SimTcpSegment *segment);
gboolean tcp_duo_drop_randomly (TcpDuo *duo, guint n, const SimTcpSegment *segment);

/* The @n-th sending (from 0) of the data that begins at @seq on line @line; NULL: there is none. */
const TcpSent *tcp_duo_find_sent (TcpDuo *duo, guint line, gint64 seq, guint n);
