/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-scoreboard.h - the segments that are out: sent, not yet acknowledged cumulatively.
 *
 * A ring in order of sequence numbers; positions count up for ever. The segments that have neither
 * been SACKed nor marked lost (since they were last sent) are in a second order, that of sending,
 * which is what RACK (RFC 8985) walks along. Finding a segment is O(log n); marking a run of SACKed
 * ones skips what was marked before. */
#pragma once

#include "core/types.h"

G_BEGIN_DECLS

typedef enum {
  SIM_TCP_SENT_SACKED = 1 << 0,
  SIM_TCP_SENT_LOST = 1 << 1,
  SIM_TCP_SENT_RESENT = 1 << 2,      /* a retransmission of it is in flight */
  SIM_TCP_SENT_EVER_RESENT = 1 << 3, /* it has been sent more than once */
  SIM_TCP_SENT_APP_LIMITED = 1 << 4, /* of the rate sample */
  SIM_TCP_SENT_FIN = 1 << 5,
  SIM_TCP_SENT_LISTED = 1 << 6, /* in the order of sending */
} SimTcpSentFlags;

typedef struct {
  gint64 seq, end;
  gint64 sent_ns; /* the last time */
  gint64 skip;    /* all of [this, skip) are SACKed, when this one is */
  gint64 earlier; /* neighbours in the order of sending; -1: none */
  gint64 later;
  /* When it was last sent (draft-cheng-iccrg-delivery-rate-estimation): */
  gint64 first_sent_ns;
  gint64 delivered_ns;
  guint64 delivered;
  guint32 flags;
} SimTcpSent;

typedef struct {
  SimTcpSent *ring; /* (owned) */
  gint64 space;     /* a power of two */
  gint64 head;      /* position of the oldest */
  gint64 tail;      /* behind the newest */
  gint64 oldest;    /* ends of the order of sending; -1: empty */
  gint64 newest;
  gint64 lost_hint;      /* nothing before it is lost and not resent */
  gint64 highest_sacked; /* position; -1: none is SACKed */
  guint n_sacked, n_lost, n_resent;
  guint n_borders; /* neighbours of which one is SACKed, the other not */
} SimTcpScoreboard;

void sim_tcp_scoreboard_init (SimTcpScoreboard *board);
void sim_tcp_scoreboard_clear (SimTcpScoreboard *board);

static inline SimTcpSent *
sim_tcp_scoreboard_at (const SimTcpScoreboard *board, gint64 position)
{
  return &board->ring[position & (board->space - 1)];
}

/* Segments that are out, and those of them that are taken to be on their way (RFC 6675's pipe). */
static inline guint
sim_tcp_scoreboard_get_out (const SimTcpScoreboard *board)
{
  return (guint)(board->tail - board->head);
}

static inline guint
sim_tcp_scoreboard_get_in_flight (const SimTcpScoreboard *board)
{
  return sim_tcp_scoreboard_get_out (board) - board->n_sacked - board->n_lost + board->n_resent;
}

/* A new segment at the end, sent now: all fields but its numbers and time are 0. */
SimTcpSent *sim_tcp_scoreboard_push (SimTcpScoreboard *board, gint64 seq, gint64 end,
                                     gint64 now_ns);

/* Drops the oldest segment and its share of the counters. */
void sim_tcp_scoreboard_pop (SimTcpScoreboard *board);

/* The first segment that ends behind @seq; tail if there is none. */
gint64 sim_tcp_scoreboard_find (const SimTcpScoreboard *board, gint64 seq);

/* The first position at or behind @position that is not SACKed. */
gint64 sim_tcp_scoreboard_skip_sacked (SimTcpScoreboard *board, gint64 position);

/* The segment has been SACKed; it was not before (asserted). */
void sim_tcp_scoreboard_mark_sacked (SimTcpScoreboard *board, gint64 position);

/* It is lost, or its retransmission is. TRUE when that is news about the original. */
gboolean sim_tcp_scoreboard_mark_lost (SimTcpScoreboard *board, gint64 position);

/* It has been sent again now. */
void sim_tcp_scoreboard_mark_resent (SimTcpScoreboard *board, gint64 position, gint64 now_ns);

/* The first segment that is lost and has not been sent again; tail if there is none. */
gint64 sim_tcp_scoreboard_find_lost (SimTcpScoreboard *board);

/* None counts as lost any more: they were only late. */
void sim_tcp_scoreboard_forget_losses (SimTcpScoreboard *board);

G_END_DECLS
