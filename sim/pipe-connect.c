/* SPDX-License-Identifier: Apache-2.0 */
/* pipe-connect.c - the three-way handshake of TCP, without rate, jitter and loss.
 *
 * Each SYN goes its way on its own: when the RTT is above a second, a repeated SYN leaves while the
 * first is still in flight. The first answer decides. */
#include "sim/pipe-private.h"

/* SYNs of one connect: at 0, 1, 3, 7, ... s; Linux sends so many by default. */
#define SYNS_MAX 7

typedef enum {
  SYN_UNUSED,
  SYN_UP,       /* the SYN is on its way to the server */
  SYN_ACK_DOWN, /* the answer is on its way back */
  SYN_RST_DOWN, /* a refusal is on its way back */
  SYN_LOST,
} SynStage;

static SimTapKind
get_tap_kind (SynStage stage)
{
  if (stage == SYN_UP)
    return SIM_TAP_SYN;
  return stage == SYN_ACK_DOWN ? SIM_TAP_SYN_ACK : SIM_TAP_RST;
}

typedef struct {
  PipeConnection *connection;
  SynStage stage;
  gint64 sent_ns;    /* the segment that is on its way */
  CaimanTimer timer; /* its arrival */
} Syn;

struct _PipeConnecting {
  PipeConnection *connection;
  gint64 started_ns;
  guint n_syns;
  Syn syns[SYNS_MAX];
  CaimanTimer repeat_timer;
  CaimanTimer timeout_timer;
};

/* A segment that leaves into a blackhole, or is in flight when one begins, is lost. */
static gboolean
is_swallowed (const SimPathDirection *direction, gint64 sent_ns)
{
  return direction->dark || direction->dark_since_ns >= sent_ns;
}

static void
send_segment (Syn *syn, SimDirection d, SynStage stage)
{
  SimCarrier *pipe = syn->connection->pipe;
  SimPathDirection *direction = &pipe->path->directions[d];
  gint64 now_ns = pipe_now (pipe);

  pipe_tap (syn->connection, get_tap_kind (stage), d, FALSE);
  syn->sent_ns = now_ns;
  if (direction->dark || direction->paused) {
    syn->stage = SYN_LOST;
    return;
  }
  syn->stage = stage;
  caiman_timer_queue_arm (pipe->queue, &syn->timer,
                          now_ns + sim_path_get_config (direction->path)->delay_ns);
}

static void
establish (PipeConnection *connection)
{
  SimCarrier *pipe = connection->pipe;
  PipeEnd *client = &connection->ends[0];
  PipeHalf *up = &connection->halves[SIM_DIRECTION_UP];

  pipe_connect_cancel (connection);
  client->state = PIPE_END_OPEN;
  connection->accept_pending = TRUE;
  pipe_tap (connection, SIM_TAP_ACK, SIM_DIRECTION_UP, FALSE);
  pipe_half_carry (up, pipe_node_new (pipe, PIPE_NODE_ACCEPT),
                   sim_link_path_get_config (pipe->path, SIM_DIRECTION_UP)->delay_ns);
  pipe_connection_pin (connection);
  client->base.events->connected (client->base.user_data);
  pipe_connection_unpin (connection);
}

static void
segment_arrived (gpointer user_data)
{
  Syn *syn = user_data;
  PipeConnection *connection = syn->connection;
  SimLinkPath *path = connection->pipe->path;
  SimDirection direction = syn->stage == SYN_UP ? SIM_DIRECTION_UP : SIM_DIRECTION_DOWN;

  if (is_swallowed (&path->directions[direction], syn->sent_ns))
    syn->stage = SYN_LOST;
  else
    pipe_tap (connection, get_tap_kind (syn->stage), direction, TRUE);
  switch (syn->stage) {
  case SYN_UP:
    send_segment (syn, SIM_DIRECTION_DOWN,
                  sim_link_path_accepts (path) ? SYN_ACK_DOWN : SYN_RST_DOWN);
    break;
  case SYN_ACK_DOWN:
    establish (connection);
    break;
  case SYN_RST_DOWN:
    pipe_end_fail (&connection->ends[0], CAIMAN_REASON_CONNECT_REFUSED, FALSE);
    break;
  case SYN_UNUSED:
  case SYN_LOST:
    break;
  }
}

static void
send_syn (gpointer user_data)
{
  PipeConnecting *connecting = user_data;
  CaimanTimerQueue *queue = connecting->connection->pipe->queue;
  Syn *syn = &connecting->syns[connecting->n_syns++];

  send_segment (syn, SIM_DIRECTION_UP, SYN_UP);
  if (connecting->n_syns < SYNS_MAX) {
    gint64 after_ns = ((G_GINT64_CONSTANT (1) << connecting->n_syns) - 1) * CAIMAN_NS_PER_S;
    caiman_timer_queue_arm (queue, &connecting->repeat_timer, connecting->started_ns + after_ns);
  }
}

static void
timed_out (gpointer user_data)
{
  PipeConnecting *connecting = user_data;

  pipe_end_fail (&connecting->connection->ends[0], CAIMAN_REASON_CONNECT_TIMEOUT, FALSE);
}

void
pipe_connect_start (PipeConnection *connection)
{
  SimLinkPath *path = connection->pipe->path;
  PipeConnecting *connecting;

  if (path->down) {
    pipe_end_fail_later (&connection->ends[0], CAIMAN_REASON_LINK_DOWN);
    return;
  }
  connecting = g_new0 (PipeConnecting, 1);
  connecting->connection = connection;
  connecting->started_ns = caiman_timer_queue_now (path->queue);
  for (guint i = 0; i < SYNS_MAX; i++) {
    connecting->syns[i].connection = connection;
    caiman_timer_init (&connecting->syns[i].timer, segment_arrived, &connecting->syns[i]);
  }
  caiman_timer_init (&connecting->repeat_timer, send_syn, connecting);
  caiman_timer_init (&connecting->timeout_timer, timed_out, connecting);
  caiman_timer_queue_arm (path->queue, &connecting->timeout_timer,
                          caiman_time_add (connecting->started_ns, path->connect_timeout_ns));
  connection->connecting = connecting;
  send_syn (connecting);
}

void
pipe_connect_cancel (PipeConnection *connection)
{
  PipeConnecting *connecting = connection->connecting;
  CaimanTimerQueue *queue = connection->pipe->queue;

  if (!connecting)
    return;
  for (guint i = 0; i < SYNS_MAX; i++)
    caiman_timer_queue_disarm (queue, &connecting->syns[i].timer);
  caiman_timer_queue_disarm (queue, &connecting->repeat_timer);
  caiman_timer_queue_disarm (queue, &connecting->timeout_timer);
  g_clear_pointer (&connection->connecting, g_free);
}
