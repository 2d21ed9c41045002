/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-tcp-connect.c - the first round trip of TCP's handshake, as the link would carry it: a
 * SYN up and its answer down, without rate and jitter. Either is lost where nothing gets through.
 *
 * Each SYN goes its way on its own: when the RTT is above a second, a repeated one leaves while the
 * first is still in flight. The first answer decides. */
#include "harness/testbed-tcp-private.h"

/* SYNs of one connect: at 0, 1, 3, 7, ... s; Linux sends so many by default. */
#define SYNS_MAX 7

typedef struct {
  TcpConnecting *connecting;
  SimDirection direction; /* up: the SYN, down: the answer */
  gint64 sent_ns;
  CaimanTimer timer; /* its arrival */
} Syn;

struct _TcpConnecting {
  TcpEnd *end;
  gint64 started_ns;
  guint n_syns;
  Syn syns[SYNS_MAX];
  CaimanTimer repeat_timer, timeout_timer;
};

static CaimanLoop *
get_loop (const TcpConnecting *connecting)
{
  return connecting->end->base.loop;
}

static RelayBottleneck *
get_bottleneck (const Syn *syn)
{
  const TcpLink *link = (const TcpLink *)syn->connecting->end->base.link;

  return relay_get_bottleneck (link->relay, syn->direction);
}

static void
send_segment (Syn *syn, SimDirection direction)
{
  CaimanLoop *loop = get_loop (syn->connecting);

  syn->direction = direction;
  syn->sent_ns = caiman_loop_now (loop);
  if (!relay_bottleneck_swallows (get_bottleneck (syn)))
    caiman_loop_arm_timer (loop, &syn->timer,
                           syn->sent_ns +
                               relay_bottleneck_get_config (get_bottleneck (syn))->delay_ns);
}

static void
segment_arrived (gpointer user_data)
{
  Syn *syn = user_data;

  if (relay_bottleneck_has_swallowed (get_bottleneck (syn), syn->sent_ns))
    return;
  if (syn->direction == SIM_DIRECTION_UP)
    send_segment (syn, SIM_DIRECTION_DOWN);
  else
    tcp_end_open (syn->connecting->end);
}

static void
send_syn (gpointer user_data)
{
  TcpConnecting *connecting = user_data;

  send_segment (&connecting->syns[connecting->n_syns++], SIM_DIRECTION_UP);
  if (connecting->n_syns == SYNS_MAX)
    return;
  gint64 after_ns = ((G_GINT64_CONSTANT (1) << connecting->n_syns) - 1) * CAIMAN_NS_PER_S;
  caiman_loop_arm_timer (get_loop (connecting), &connecting->repeat_timer,
                         connecting->started_ns + after_ns);
}

static void
timed_out (gpointer user_data)
{
  TcpConnecting *connecting = user_data;

  testbed_end_fail (&connecting->end->base, CAIMAN_REASON_CONNECT_TIMEOUT);
}

TcpConnecting *
tcp_connecting_new (TcpEnd *end)
{
  TcpConnecting *connecting = g_new0 (TcpConnecting, 1);
  gint64 timeout_ns = testbed_real_link_get_spec (end->base.link)->connect_timeout_ns;

  connecting->end = end;
  connecting->started_ns = caiman_loop_now (end->base.loop);
  for (guint i = 0; i < SYNS_MAX; i++) {
    connecting->syns[i].connecting = connecting;
    caiman_timer_init (&connecting->syns[i].timer, segment_arrived, &connecting->syns[i]);
  }
  caiman_timer_init (&connecting->repeat_timer, send_syn, connecting);
  caiman_timer_init (&connecting->timeout_timer, timed_out, connecting);
  caiman_loop_arm_timer (end->base.loop, &connecting->timeout_timer,
                         caiman_time_add (connecting->started_ns, timeout_ns));
  send_syn (connecting);
  return connecting;
}

void
tcp_connecting_free (TcpConnecting *connecting)
{
  if (!connecting)
    return;
  CaimanLoop *loop = get_loop (connecting);
  for (guint i = 0; i < SYNS_MAX; i++)
    caiman_loop_arm_timer (loop, &connecting->syns[i].timer, CAIMAN_TIME_NEVER);
  caiman_loop_arm_timer (loop, &connecting->repeat_timer, CAIMAN_TIME_NEVER);
  caiman_loop_arm_timer (loop, &connecting->timeout_timer, CAIMAN_TIME_NEVER);
  g_free (connecting);
}
