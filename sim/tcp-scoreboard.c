/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-scoreboard.c - see tcp-scoreboard.h. */
#include "sim/tcp-scoreboard.h"

#define SPACE_MIN 64

void
sim_tcp_scoreboard_init (SimTcpScoreboard *board)
{
  *board = (SimTcpScoreboard) { .ring = g_new0 (SimTcpSent, SPACE_MIN),
                                .space = SPACE_MIN,
                                .oldest = -1,
                                .newest = -1,
                                .highest_sacked = -1 };
}

void
sim_tcp_scoreboard_clear (SimTcpScoreboard *board)
{
  g_clear_pointer (&board->ring, g_free);
}

static void
grow (SimTcpScoreboard *board)
{
  SimTcpSent *ring = g_new0 (SimTcpSent, (gsize)board->space * 2);

  for (gint64 p = board->head; p < board->tail; p++)
    ring[p & (board->space * 2 - 1)] = board->ring[p & (board->space - 1)];
  g_free (board->ring);
  board->ring = ring;
  board->space *= 2;
}

/* --- The order of sending --- */

static void
list_append (SimTcpScoreboard *board, gint64 position)
{
  SimTcpSent *sent = sim_tcp_scoreboard_at (board, position);

  sent->earlier = board->newest;
  sent->later = -1;
  if (board->newest >= 0)
    sim_tcp_scoreboard_at (board, board->newest)->later = position;
  else
    board->oldest = position;
  board->newest = position;
  sent->flags |= SIM_TCP_SENT_LISTED;
}

static void
list_remove (SimTcpScoreboard *board, gint64 position)
{
  SimTcpSent *sent = sim_tcp_scoreboard_at (board, position);

  if (!(sent->flags & SIM_TCP_SENT_LISTED))
    return;
  if (sent->earlier >= 0)
    sim_tcp_scoreboard_at (board, sent->earlier)->later = sent->later;
  else
    board->oldest = sent->later;
  if (sent->later >= 0)
    sim_tcp_scoreboard_at (board, sent->later)->earlier = sent->earlier;
  else
    board->newest = sent->earlier;
  sent->flags &= ~(guint32)SIM_TCP_SENT_LISTED;
}

static gboolean
is_sacked (const SimTcpScoreboard *board, gint64 position)
{
  return !!(sim_tcp_scoreboard_at (board, position)->flags & SIM_TCP_SENT_SACKED);
}

/* --- In and out --- */

SimTcpSent *
sim_tcp_scoreboard_push (SimTcpScoreboard *board, gint64 seq, gint64 end, gint64 now_ns)
{
  gint64 position = board->tail++;

  if (board->tail - board->head > board->space)
    grow (board);
  SimTcpSent *sent = sim_tcp_scoreboard_at (board, position);
  *sent = (SimTcpSent) { .seq = seq, .end = end, .sent_ns = now_ns };
  list_append (board, position);
  board->n_borders += position > board->head && is_sacked (board, position - 1);
  return sent;
}

void
sim_tcp_scoreboard_pop (SimTcpScoreboard *board)
{
  SimTcpSent *sent = sim_tcp_scoreboard_at (board, board->head);

  g_assert (board->head < board->tail);
  list_remove (board, board->head);
  if (board->head + 1 < board->tail)
    board->n_borders -= is_sacked (board, board->head) != is_sacked (board, board->head + 1);
  board->n_sacked -= !!(sent->flags & SIM_TCP_SENT_SACKED);
  board->n_lost -= !!(sent->flags & SIM_TCP_SENT_LOST);
  board->n_resent -= !!(sent->flags & SIM_TCP_SENT_RESENT);
  if (board->highest_sacked <= board->head)
    board->highest_sacked = -1;
  board->head++;
  board->lost_hint = MAX (board->lost_hint, board->head);
}

gint64
sim_tcp_scoreboard_find (const SimTcpScoreboard *board, gint64 seq)
{
  gint64 low = board->head, high = board->tail;

  while (low < high) {
    gint64 middle = low + (high - low) / 2;
    if (sim_tcp_scoreboard_at (board, middle)->end > seq)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

gint64
sim_tcp_scoreboard_skip_sacked (SimTcpScoreboard *board, gint64 position)
{
  gint64 end = position;

  while (end < board->tail && (sim_tcp_scoreboard_at (board, end)->flags & SIM_TCP_SENT_SACKED))
    end = sim_tcp_scoreboard_at (board, end)->skip;
  while (position < end) {
    SimTcpSent *sent = sim_tcp_scoreboard_at (board, position);
    position = sent->skip;
    sent->skip = end;
  }
  return end;
}

/* --- Marks --- */

void
sim_tcp_scoreboard_mark_sacked (SimTcpScoreboard *board, gint64 position)
{
  SimTcpSent *sent = sim_tcp_scoreboard_at (board, position);

  g_assert (!(sent->flags & SIM_TCP_SENT_SACKED));
  if (sent->flags & SIM_TCP_SENT_LOST) {
    sent->flags &= ~(guint32)SIM_TCP_SENT_LOST;
    board->n_lost--;
  }
  if (sent->flags & SIM_TCP_SENT_RESENT) {
    sent->flags &= ~(guint32)SIM_TCP_SENT_RESENT;
    board->n_resent--;
  }
  list_remove (board, position);
  sent->flags |= SIM_TCP_SENT_SACKED;
  sent->skip = position + 1;
  if (position > board->head)
    board->n_borders += is_sacked (board, position - 1) ? -1 : +1;
  if (position + 1 < board->tail)
    board->n_borders += is_sacked (board, position + 1) ? -1 : +1;
  board->n_sacked++;
  board->highest_sacked = MAX (board->highest_sacked, position);
}

gboolean
sim_tcp_scoreboard_mark_lost (SimTcpScoreboard *board, gint64 position)
{
  SimTcpSent *sent = sim_tcp_scoreboard_at (board, position);
  gboolean is_new = !(sent->flags & SIM_TCP_SENT_LOST);

  if (sent->flags & SIM_TCP_SENT_SACKED)
    return FALSE;
  list_remove (board, position);
  if (sent->flags & SIM_TCP_SENT_RESENT) {
    sent->flags &= ~(guint32)SIM_TCP_SENT_RESENT;
    board->n_resent--;
  }
  sent->flags |= SIM_TCP_SENT_LOST;
  board->n_lost += is_new;
  board->lost_hint = MIN (board->lost_hint, position);
  return is_new;
}

void
sim_tcp_scoreboard_mark_resent (SimTcpScoreboard *board, gint64 position, gint64 now_ns)
{
  SimTcpSent *sent = sim_tcp_scoreboard_at (board, position);

  list_remove (board, position);
  list_append (board, position);
  sent->sent_ns = now_ns;
  board->n_resent += !(sent->flags & SIM_TCP_SENT_RESENT);
  sent->flags |= SIM_TCP_SENT_RESENT | SIM_TCP_SENT_EVER_RESENT;
}

gint64
sim_tcp_scoreboard_find_lost (SimTcpScoreboard *board)
{
  if (board->n_lost == 0)
    return board->tail;
  while (board->lost_hint < board->tail) {
    guint32 flags = sim_tcp_scoreboard_at (board, board->lost_hint)->flags;
    if ((flags & SIM_TCP_SENT_LOST) && !(flags & SIM_TCP_SENT_RESENT))
      break;
    board->lost_hint++;
  }
  return board->lost_hint;
}

void
sim_tcp_scoreboard_forget_losses (SimTcpScoreboard *board)
{
  for (gint64 p = board->head; p < board->tail && board->n_lost > 0; p++) {
    SimTcpSent *sent = sim_tcp_scoreboard_at (board, p);
    if (!(sent->flags & SIM_TCP_SENT_LOST))
      continue;
    sent->flags &= ~(guint32)SIM_TCP_SENT_LOST;
    board->n_lost--;
    if (!(sent->flags & SIM_TCP_SENT_LISTED))
      list_append (board, p);
  }
}
