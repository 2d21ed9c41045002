/* SPDX-License-Identifier: Apache-2.0 */
/* timers.c - all timers of a connection.
 *
 *   timer              armed when                                  fires
 *   handshake          a client's link is added                    the link fails
 *   closing            Goodbye or the end of the connection waits  the link is closed
 *   send progress      the transport takes nothing                 the link is removed
 *   ping               idle, by ping-mode                          a Ping goes out
 *   ping time-out      a Ping is out                               the link is removed
 *   ack time-out       messages are out on a working link          the link stops working
 *   ack flush          acknowledgements wait for company           they go out (send.c)
 *   overrun            far too much is out, unacknowledged         the link is removed
 *   retest             a test has failed                           the link is tested again
 *   non-working        the link does not work, is not blocked      the link is removed
 *   quota              a quota has a period                        the link may carry data again
 *   no link            no link works                               the connection fails
 *   termination        both sides are done, or Terminate is out    the connection ends
 *   policy             see scheduler.h (suspicion, cost, limits)
 */
#include "core/connection-private.h"

#include "core/scheduler.h"

/* --- When --- */

static gint64
after (const CaimanConnection *connection, gint64 since_ns, gint64 delay_ns)
{
  return since_ns == CAIMAN_TIME_NEVER ? CAIMAN_TIME_NEVER : caiman_time_add (since_ns, delay_ns);
}

static gint64
get_ping_time (const CaimanConnection *connection, const CaimanLink *link)
{
  const CaimanConfig *config = &connection->config;
  if (link->ping_sent_ns != CAIMAN_TIME_NEVER || link->outbox & CAIMAN_OUTBOX_PING ||
      link->testing || !caiman_link_is_up (link))
    return CAIMAN_TIME_NEVER;
  switch ((CaimanPingMode)config->ping_mode) {
  case CAIMAN_PING_PERIODIC:
    return caiman_time_add (link->last_ping_ns, config->ping_interval_ns);
  case CAIMAN_PING_WHEN_IDLE:
    return caiman_time_add (link->last_received_ns, config->ping_interval_ns);
  case CAIMAN_PING_AFTER_TIMEOUT:
  default:
    return CAIMAN_TIME_NEVER;
  }
}

static gint64
get_ack_timeout_time (const CaimanLink *link)
{
  if (link->state != CAIMAN_LINK_WORKING || link->flight.n == 0 ||
      !link->connection->scheduler->uses_control)
    return CAIMAN_TIME_NEVER;
  const CaimanTransmission *head = &link->flight.slots[link->flight.head];
  if (head->written_off)
    return CAIMAN_TIME_NEVER;
  gint64 since_ns = MAX (head->snapshot.sent_ns, link->last_ack_ns);
  return caiman_time_add (since_ns, caiman_link_get_ack_timeout (link, head));
}

static gint64
get_non_working_time (const CaimanConnection *connection, const CaimanLink *link)
{
  if (link->state != CAIMAN_LINK_NOT_WORKING)
    return CAIMAN_TIME_NEVER;
  /* Blocked links, and those that are merely too slow, are exempt from 0.10 on. */
  if (connection->config.reference_generation >= 10 &&
      (caiman_link_is_blocked (link) || link->reason == CAIMAN_REASON_TOO_SLOW))
    return CAIMAN_TIME_NEVER;
  return caiman_time_add (link->state_since_ns, connection->config.non_working_timeout_ns);
}

/* Only until then: what waits for room later has no deadline. */
static gint64
get_ack_flush_time (const CaimanConnection *connection, const CaimanLink *link)
{
  gint64 time_ns = caiman_link_get_ack_time (link);
  return time_ns > connection->now_ns ? time_ns : CAIMAN_TIME_NEVER;
}

static gint64
get_quota_time (const CaimanLink *link)
{
  if (link->quota_bytes == 0 || link->quota_period_ns == 0 || link->quota_used_bytes == 0)
    return CAIMAN_TIME_NEVER;
  return caiman_time_add (link->quota_period_start_ns, link->quota_period_ns);
}

/* A peer that acknowledges on other links alone leaves more out on this one than can be under way
 * (PROTOCOL.md, 5); what is remembered of it must not grow for ever. */
static gboolean
is_overrun (const CaimanLink *link)
{
  return link->flight.n > CAIMAN_SEQ_WINDOW;
}

static gint64
get_link_deadline (const CaimanConnection *connection, const CaimanLink *link)
{
  const CaimanConfig *config = &connection->config;
  if (is_overrun (link))
    return connection->now_ns;
  gint64 deadline_ns = MIN (link->handshake_deadline_ns, link->closing_deadline_ns);
  deadline_ns =
      MIN (deadline_ns, after (connection, link->unwritable_since_ns, config->ping_timeout_ns));
  deadline_ns = MIN (deadline_ns, get_ping_time (connection, link));
  deadline_ns = MIN (deadline_ns, after (connection, link->ping_sent_ns, config->ping_timeout_ns));
  deadline_ns = MIN (deadline_ns, get_ack_timeout_time (link));
  deadline_ns = MIN (deadline_ns, link->retest_at_ns);
  deadline_ns = MIN (deadline_ns, get_non_working_time (connection, link));
  deadline_ns = MIN (deadline_ns, get_ack_flush_time (connection, link));
  return MIN (deadline_ns, get_quota_time (link));
}

/* An end whose last work is done needs no link (connection.c, peer_left). */
static gint64
get_no_link_time (const CaimanConnection *connection)
{
  gboolean all_received = connection->receive_finished || connection->receiver_dropped;
  gboolean all_sent = (connection->finish_sent || connection->peer_dropped_receiver) &&
                      caiman_send_queue_get_used (&connection->queue) == 0;
  if (connection->state != CAIMAN_CONNECTION_OPEN &&
      !(connection->state == CAIMAN_CONNECTION_CONNECTING && connection->is_client))
    return CAIMAN_TIME_NEVER;
  if (all_received && all_sent)
    return CAIMAN_TIME_NEVER;
  return after (connection, connection->no_link_since_ns, connection->config.no_link_timeout_ns);
}

gint64
caiman_connection_get_deadline (const CaimanConnection *connection)
{
  gint64 deadline_ns = connection->termination_deadline_ns;
  for (guint i = 0; i < connection->links->len; i++)
    deadline_ns =
        MIN (deadline_ns, get_link_deadline (connection, g_ptr_array_index (connection->links, i)));
  if (connection->state > CAIMAN_CONNECTION_OPEN)
    return deadline_ns;
  deadline_ns = MIN (deadline_ns, get_no_link_time (connection));
  if (connection->state == CAIMAN_CONNECTION_OPEN)
    deadline_ns = MIN (deadline_ns, caiman_scheduler_get_cost_deadline (connection));
  if (connection->scheduler->get_deadline && connection->state == CAIMAN_CONNECTION_OPEN)
    deadline_ns = MIN (deadline_ns, connection->scheduler->get_deadline (connection));
  return deadline_ns;
}

/* --- What --- */

static void
start_quota_period (CaimanLink *link, gint64 now_ns)
{
  gint64 n_periods = (now_ns - link->quota_period_start_ns) / link->quota_period_ns;
  link->quota_period_start_ns += n_periods * link->quota_period_ns;
  link->quota_used_bytes = 0;
  if (!link->blocked_quota)
    return;
  link->blocked_quota = FALSE;
  if (caiman_link_is_up (link))
    link->outbox |= CAIMAN_OUTBOX_SET_BLOCK;
  caiman_connection_trace (link->connection, CAIMAN_TRACE_LINK_BLOCKED, link, 0, 0,
                           CAIMAN_REASON_NONE);
  caiman_connection_check_links (link->connection);
}

/* An acknowledgement is overdue: the messages go elsewhere, and a test shows whether it lives. */
static void
time_out_ack (CaimanLink *link)
{
  caiman_link_set_state (link, CAIMAN_LINK_NOT_WORKING, CAIMAN_REASON_ACK_TIMEOUT);
  caiman_link_start_test (link);
}

/* TRUE: the link is gone. */
static gboolean
check_removal (CaimanConnection *connection, CaimanLink *link)
{
  const CaimanConfig *config = &connection->config;
  gint64 now_ns = connection->now_ns;
  CaimanReason reason = CAIMAN_REASON_NONE;
  if (now_ns >= link->handshake_deadline_ns)
    reason = CAIMAN_REASON_HANDSHAKE_TIMEOUT;
  else if (now_ns >= link->closing_deadline_ns)
    reason = link->reason;
  else if (now_ns >= after (connection, link->unwritable_since_ns, config->ping_timeout_ns))
    reason = CAIMAN_REASON_SEND_TIMEOUT;
  else if (now_ns >= after (connection, link->ping_sent_ns, config->ping_timeout_ns))
    reason = CAIMAN_REASON_PING_TIMEOUT;
  else if (now_ns >= get_non_working_time (connection, link))
    reason = CAIMAN_REASON_NON_WORKING_TIMEOUT;
  else if (is_overrun (link))
    reason = CAIMAN_REASON_ACK_TIMEOUT;
  else
    return FALSE;
  caiman_link_close (link, reason, FALSE);
  return TRUE;
}

static void
advance_link (CaimanConnection *connection, CaimanLink *link)
{
  gint64 now_ns = connection->now_ns;
  if (check_removal (connection, link))
    return;
  if (now_ns >= get_quota_time (link))
    start_quota_period (link, now_ns);
  if (now_ns >= get_ping_time (connection, link))
    link->outbox |= CAIMAN_OUTBOX_PING;
  if (now_ns >= get_ack_timeout_time (link))
    time_out_ack (link);
  if (now_ns >= link->retest_at_ns)
    caiman_link_start_test (link);
}

void
caiman_connection_advance (CaimanConnection *connection, gint64 now_ns)
{
  caiman_connection_enter (connection, now_ns);
  /* From the last on: a link that goes does not move those still to come. */
  for (guint i = connection->links->len; i > 0; i--) {
    if (i <= connection->links->len)
      advance_link (connection, g_ptr_array_index (connection->links, i - 1));
  }
  if (now_ns >= connection->termination_deadline_ns) {
    caiman_connection_end (connection, connection->state == CAIMAN_CONNECTION_TERMINATING
                                           ? CAIMAN_REASON_TERMINATED
                                           : CAIMAN_REASON_TERMINATION_TIMEOUT);
    return;
  }
  if (now_ns >= get_no_link_time (connection)) {
    caiman_connection_end (connection, CAIMAN_REASON_ALL_LINKS_FAILED);
    return;
  }
  if (connection->state != CAIMAN_CONNECTION_OPEN)
    return;
  if (now_ns >= caiman_scheduler_get_cost_deadline (connection))
    caiman_scheduler_update_cost (connection, TRUE);
  if (connection->scheduler->advance)
    connection->scheduler->advance (connection);
}
