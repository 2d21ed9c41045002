/* SPDX-License-Identifier: Apache-2.0 */
/* speed-session.c - see speed-session.h. */
#include "apps/speed-session.h"

#include "apps/speed-content.h"
#include "core/crypto.h"

#include <string.h>

/* Content is made in pieces of this, and little is made ahead: it should still be in the cache when
 * it is sent, and be gone soon when the time is up. */
#define PIECE_BLOCKS       8
#define UNSENT_LIMIT_BYTES (1024 * 1024)

struct _SpeedSession {
  AppConnection *connection;
  SpeedLimits limits;
  void (*over) (gpointer user_data, SpeedSession *session);
  gpointer user_data;
  CaimanTimer timer;
  SpeedResult result;
  gint64 started_ns; /* open; CAIMAN_TIME_NEVER before */
  gboolean is_over;

  /* Sending. */
  gboolean send_done;
  gboolean all_made; /* the limit is reached, and the end told */
  SpeedContent made;
  guint64 made_bytes;
  GBytes *pending; /* (nullable) what was not accepted yet, from @pending_offset on */
  gsize pending_offset;

  /* Receiving. */
  gboolean receive_done;
  SpeedContent expected;
  guint8 seed[SPEED_SEED_BYTES];
  guint n_seed; /* bytes of it that have come */
};

static gint64
get_time (const SpeedSession *session)
{
  return app_endpoint_now (session->connection->endpoint);
}

/* --- The end --- */

/* What the peer has acknowledged, without the seed. */
static guint64
get_acked (const SpeedSession *session)
{
  CaimanConnectionStats stats;
  caiman_connection_get_stats (session->connection->connection, &stats);
  guint64 acked_bytes = stats.sent_bytes - MIN (stats.unacked_bytes, stats.sent_bytes);
  return acked_bytes - MIN (acked_bytes, SPEED_SEED_BYTES);
}

static void
end_send (SpeedSession *session)
{
  if (session->send_done)
    return;
  session->send_done = TRUE;
  session->result.sent_bytes = session->limits.no_send ? 0 : get_acked (session);
  session->result.send_time_ns = get_time (session) - session->started_ns;
  g_clear_pointer (&session->pending, g_bytes_unref);
}

static void
end_receive (SpeedSession *session)
{
  if (session->receive_done)
    return;
  session->receive_done = TRUE;
  session->result.receive_time_ns = get_time (session) - session->started_ns;
}

static void
end (SpeedSession *session)
{
  if (session->is_over)
    return;
  session->is_over = TRUE;
  if (session->result.connected) {
    end_send (session);
    end_receive (session);
  }
  caiman_loop_arm_timer (app_endpoint_get_loop (session->connection->endpoint), &session->timer,
                         CAIMAN_TIME_NEVER);
  session->over (session->user_data, session);
  if (session->result.corrupt)
    app_connection_terminate (session->connection);
  else
    app_connection_release (session->connection);
}

static void
end_when_done (SpeedSession *session)
{
  if (!session->send_done || !session->receive_done)
    return;
  session->result.complete = TRUE;
  end (session);
}

/* A peer takes content by whole words, and an end within one for a fault: a piece of which some was
 * accepted goes out to its end. Only a send buffer that is full of what is under way prevents that.
 */
static void
complete_piece (SpeedSession *session)
{
  CaimanConnection *caiman = session->connection->connection;
  if (session->is_over || session->pending == NULL || session->pending_offset == 0)
    return;
  caiman_connection_set_unsent_limit (caiman, 0);
  caiman_connection_write (caiman, session->pending, session->pending_offset, get_time (session),
                           NULL);
}

void
speed_session_stop (SpeedSession *session)
{
  complete_piece (session);
  session->result.complete = session->result.connected && !session->is_over;
  end (session);
}

static void
on_time (gpointer user_data)
{
  speed_session_stop (user_data);
}

/* --- Sending --- */

/* FALSE: all that the limit allows was made. */
static gboolean
make_piece (SpeedSession *session)
{
  guint64 left_bytes = session->limits.limit_bytes > 0
                           ? session->limits.limit_bytes - session->made_bytes
                           : G_MAXUINT64;
  guint n_blocks = (guint)MIN (PIECE_BLOCKS, left_bytes / SPEED_BLOCK_BYTES);
  if (n_blocks == 0)
    return FALSE;
  session->pending = speed_content_make (&session->made, n_blocks);
  session->pending_offset = 0;
  session->made_bytes += (guint64)n_blocks * SPEED_BLOCK_BYTES;
  return TRUE;
}

static void
send_more (SpeedSession *session)
{
  CaimanConnection *caiman = session->connection->connection;
  gint64 now_ns = get_time (session);
  while (!session->send_done && !session->all_made) {
    if (session->pending == NULL && !make_piece (session)) {
      session->all_made = TRUE;
      caiman_connection_flush (caiman, now_ns);
      caiman_connection_finish (caiman, now_ns);
      return;
    }
    gssize n =
        caiman_connection_write (caiman, session->pending, session->pending_offset, now_ns, NULL);
    if (n < 0)
      return; /* no room, or it has ended, which an event tells */
    session->pending_offset += (gsize)n;
    if (session->pending_offset == g_bytes_get_size (session->pending))
      g_clear_pointer (&session->pending, g_bytes_unref);
  }
}

static void
start_sending (SpeedSession *session)
{
  CaimanConnection *caiman = session->connection->connection;
  if (session->limits.no_send) {
    end_send (session);
    caiman_connection_finish (caiman, get_time (session));
    return;
  }
  CaimanRandom random = caiman_crypto_random ();
  guint8 seed[SPEED_SEED_BYTES];
  guint64 number;
  caiman_random_fill (&random, seed, sizeof seed);
  memcpy (&number, seed, sizeof number);
  speed_content_init (&session->made, GUINT64_FROM_BE (number));
  caiman_connection_set_unsent_limit (caiman, UNSENT_LIMIT_BYTES);
  session->pending = g_bytes_new (seed, sizeof seed);
  send_more (session);
}

/* --- Receiving --- */

static void
tell_corrupt (SpeedSession *session, gsize offset)
{
  session->result.corrupt = TRUE;
  session->result.corrupt_at_bytes = session->result.received_bytes + offset;
  session->result.received_bytes += offset;
  app_endpoint_log (session->connection->endpoint, APP_LOG_ERROR,
                    "%s: wrong content from byte %" G_GUINT64_FORMAT " on",
                    session->connection->label, session->result.corrupt_at_bytes);
  end (session);
}

/* Takes what belongs to the seed: its number of bytes. */
static gsize
take_seed (SpeedSession *session, const guint8 *data, gsize size)
{
  gsize n = MIN (size, SPEED_SEED_BYTES - session->n_seed);
  if (n == 0)
    return 0;
  memcpy (session->seed + session->n_seed, data, n);
  session->n_seed += (guint)n;
  if (session->n_seed == SPEED_SEED_BYTES) {
    guint64 number;
    memcpy (&number, session->seed, sizeof number);
    speed_content_init (&session->expected, GUINT64_FROM_BE (number));
  }
  return n;
}

static void
check_content (SpeedSession *session, GBytes *bytes)
{
  gsize size, wrong;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  gsize n_seed = take_seed (session, data, size);
  if (!speed_content_check (&session->expected, data + n_seed, size - n_seed, &wrong))
    tell_corrupt (session, wrong);
  else
    session->result.received_bytes += size - n_seed;
}

static gboolean
has_received_all (const SpeedSession *session)
{
  return session->limits.limit_bytes > 0 &&
         session->result.received_bytes >= session->limits.limit_bytes;
}

static void
receive_more (SpeedSession *session)
{
  CaimanConnection *caiman = session->connection->connection;
  gint64 now_ns = get_time (session);
  while (!session->receive_done && !session->is_over) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = caiman_connection_receive (caiman, now_ns, &error);
    if (bytes == NULL) {
      if (g_error_matches (error, CAIMAN_ERROR, CAIMAN_REASON_FINISHED))
        end_receive (session);
      return;
    }
    check_content (session, bytes);
    if (!session->receive_done && has_received_all (session)) {
      end_receive (session);
      caiman_connection_drop_receiver (caiman, now_ns);
    }
  }
}

static void
start_receiving (SpeedSession *session)
{
  if (!session->limits.no_receive)
    return;
  end_receive (session);
  caiman_connection_drop_receiver (session->connection->connection, get_time (session));
}

/* --- Events --- */

static void
start (SpeedSession *session)
{
  if (session->result.connected)
    return;
  session->result.connected = TRUE;
  session->started_ns = get_time (session);
  if (session->limits.time_ns > 0)
    caiman_loop_arm_timer (app_endpoint_get_loop (session->connection->endpoint), &session->timer,
                           session->started_ns + session->limits.time_ns);
  start_sending (session);
  start_receiving (session);
}

static void
handle_end (SpeedSession *session, CaimanReason reason)
{
  if (session->is_over)
    return;
  receive_more (session);
  if (reason == CAIMAN_REASON_FINISHED && session->result.connected && !session->is_over) {
    end_send (session);
    end_receive (session);
    end_when_done (session);
    return;
  }
  session->result.reason = reason;
  end (session);
}

void
speed_session_event (SpeedSession *session, const CaimanEvent *event)
{
  if (session->is_over)
    return;
  switch (event->type) {
  case CAIMAN_EVENT_CONNECTED:
    start (session);
    break;
  case CAIMAN_EVENT_WRITABLE:
    send_more (session);
    break;
  case CAIMAN_EVENT_READABLE:
    receive_more (session);
    break;
  case CAIMAN_EVENT_FLUSHED:
  case CAIMAN_EVENT_PEER_DROPPED_RECEIVER:
    end_send (session);
    caiman_connection_finish (session->connection->connection, get_time (session));
    break;
  case CAIMAN_EVENT_ENDED:
    handle_end (session, event->reason);
    return;
  default:
    return;
  }
  if (!session->is_over)
    end_when_done (session);
}

/* --- Life --- */

SpeedSession *
speed_session_new (AppConnection *connection, const SpeedLimits *limits,
                   void (*over) (gpointer user_data, SpeedSession *session), gpointer user_data)
{
  SpeedSession *session = g_new0 (SpeedSession, 1);
  session->connection = connection;
  session->limits = *limits;
  session->over = over;
  session->user_data = user_data;
  session->started_ns = CAIMAN_TIME_NEVER;
  caiman_timer_init (&session->timer, on_time, session);
  if (caiman_connection_get_state (connection->connection) == CAIMAN_CONNECTION_OPEN)
    start (session);
  return session;
}

void
speed_session_free (SpeedSession *session)
{
  if (session == NULL)
    return;
  caiman_loop_arm_timer (app_endpoint_get_loop (session->connection->endpoint), &session->timer,
                         CAIMAN_TIME_NEVER);
  g_clear_pointer (&session->pending, g_bytes_unref);
  g_free (session);
}

AppConnection *
speed_session_get_connection (SpeedSession *session)
{
  return session->connection;
}

const SpeedResult *
speed_session_get_result (const SpeedSession *session)
{
  return &session->result;
}
