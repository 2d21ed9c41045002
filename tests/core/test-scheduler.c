/* SPDX-License-Identifier: Apache-2.0 */
/* test-scheduler.c - the policies' choices, on links in states set by hand. */
#include "core/connection-private.h"
#include "core/prng.h"
#include "core/scheduler.h"

#define MS(n)   ((n)*CAIMAN_NS_PER_MS)
#define MBIT(n) ((n)*G_GINT64_CONSTANT (1000000))

typedef struct {
  CaimanPrng prng;
  CaimanConnection *connection;
} World;

static void
world_init (World *world, CaimanPolicy policy)
{
  CaimanConfig config;
  caiman_config_init (&config, policy == CAIMAN_POLICY_REFERENCE ? CAIMAN_PRESET_AGGLIGATOR_0_10
                                                                 : CAIMAN_PRESET_ADAPTIVE);
  config.policy = policy;
  caiman_prng_init (&world->prng, 1);
  CaimanRandom random = caiman_prng_as_random (&world->prng);
  world->connection = caiman_connection_new (&config, &random, 0);
  world->connection->now_ns = MS (1000);
  world->connection->state = CAIMAN_CONNECTION_OPEN;
  world->connection->remote_receive_buffer_bytes = 64 * 1024 * 1024;
}

/* A working link with room: @rate_bps and @rtt_ns as if measured. */
static CaimanLink *
world_add (World *world, gint64 rate_bps, gint64 rtt_ns, const CaimanLinkInfo *info)
{
  static const CaimanLinkInfo plain = { .name = "link" };
  CaimanConnection *connection = world->connection;
  CaimanLink *link = caiman_connection_add_link (connection, info ? info : &plain, MS (1000));
  caiman_link_unref (link);
  link->handshake_deadline_ns = CAIMAN_TIME_NEVER;
  caiman_rtt_add (&link->rtt, rtt_ns, MS (1000));
  caiman_link_set_state (link, CAIMAN_LINK_NEW, CAIMAN_REASON_NONE);
  caiman_link_set_state (link, CAIMAN_LINK_WORKING, CAIMAN_REASON_NONE);
  link->rate.round_max_bps[0] = link->rate.max_bps = rate_bps;
  caiman_link_set_writable (link, TRUE, MS (1000));
  return link;
}

/* Fills the window of @link. */
static void
world_fill (CaimanLink *link)
{
  caiman_flight_append (&link->flight, 1000000 + link->id, (guint32)link->window_bytes);
}

static CaimanLink *
pick (World *world, guint64 backlog_bytes)
{
  world->connection->unsent_bytes = backlog_bytes;
  return world->connection->scheduler->pick_data (world->connection, backlog_bytes, TRUE);
}

static void
world_clear (World *world)
{
  g_clear_pointer (&world->connection, caiman_connection_free);
}

static void
test_earliest_arrival (void)
{
  World world;
  world_init (&world, CAIMAN_POLICY_ADAPTIVE);
  CaimanLink *far = world_add (&world, MBIT (100), MS (200), NULL);
  CaimanLink *near = world_add (&world, MBIT (10), MS (20), NULL);
  g_assert_true (pick (&world, 1000000) == near);
  caiman_link_set_writable (near, FALSE, MS (1000));
  g_assert_true (pick (&world, 1000000) == far);
  world_clear (&world);
}

/* ECF: a small backlog waits for the fast link, a large one does not. */
static void
test_waits_for_fast (void)
{
  World world;
  world_init (&world, CAIMAN_POLICY_ADAPTIVE);
  CaimanLink *fast = world_add (&world, MBIT (50), MS (20), NULL);
  CaimanLink *slow = world_add (&world, MBIT (1), MS (400), NULL);
  world_fill (fast);
  g_assert_null (pick (&world, 20000));
  g_assert_true (pick (&world, 20000000) == slow);
  /* The application was refused: there is more than can be seen. */
  world.connection->write_blocked = TRUE;
  g_assert_true (pick (&world, 20000) == slow);
  world_clear (&world);
}

/* BLEST: a slow link must not make the fast one run into the flow-control window. */
static void
test_waits_for_window (void)
{
  World world;
  world_init (&world, CAIMAN_POLICY_ADAPTIVE);
  CaimanLink *fast = world_add (&world, MBIT (50), MS (20), NULL);
  CaimanLink *slow = world_add (&world, MBIT (1), MS (400), NULL);
  world_fill (fast);
  world.connection->remote_receive_buffer_bytes = 256 * 1024;
  g_assert_null (pick (&world, 20000000));
  world.connection->remote_receive_buffer_bytes = 8 * 1024 * 1024;
  g_assert_true (pick (&world, 20000000) == slow);
  world_clear (&world);
}

static void
test_skips_unfit (void)
{
  const CaimanPolicy policies[] = { CAIMAN_POLICY_ADAPTIVE, CAIMAN_POLICY_MIN_RTT,
                                    CAIMAN_POLICY_ROUND_ROBIN, CAIMAN_POLICY_REDUNDANT,
                                    CAIMAN_POLICY_REFERENCE };
  for (gsize i = 0; i < G_N_ELEMENTS (policies); i++) {
    World world;
    world_init (&world, policies[i]);
    CaimanLink *first = world_add (&world, MBIT (10), MS (20), NULL);
    CaimanLink *second = world_add (&world, MBIT (10), MS (30), NULL);
    caiman_link_set_blocked (first, TRUE, MS (1000));
    g_assert_true (pick (&world, 1000000) == second);
    caiman_link_set_blocked (first, FALSE, MS (1000));
    first->blocked_remote = TRUE;
    g_assert_true (pick (&world, 1000000) == second);
    first->blocked_remote = FALSE;
    first->suspected = TRUE;
    g_assert_true (pick (&world, 1000000) == second);
    second->suspected = TRUE; /* none is above suspicion: better than nothing */
    g_assert_nonnull (pick (&world, 1000000));
    caiman_link_set_writable (first, FALSE, MS (1000));
    caiman_link_set_writable (second, FALSE, MS (1000));
    g_assert_null (pick (&world, 1000000));
    world_clear (&world);
  }
}

/* A costly link carries nothing while the cheap one is there and takes what comes. */
static void
test_cost (void)
{
  const CaimanPolicy policies[] = { CAIMAN_POLICY_ADAPTIVE, CAIMAN_POLICY_MIN_RTT,
                                    CAIMAN_POLICY_ROUND_ROBIN, CAIMAN_POLICY_REDUNDANT };
  const CaimanLinkInfo metered = { .name = "metered", .cost = 10 };
  for (gsize i = 0; i < G_N_ELEMENTS (policies); i++) {
    World world;
    world_init (&world, policies[i]);
    CaimanConnection *connection = world.connection;
    CaimanLink *costly = world_add (&world, MBIT (50), MS (5), &metered);
    CaimanLink *cheap = world_add (&world, MBIT (10), MS (50), NULL);
    g_assert_true (pick (&world, 1000000) == cheap);
    world_fill (cheap);
    g_assert_null (pick (&world, 1000000));
    /* Demand is unmet for longer than cost-delay: the next cost is allowed. */
    caiman_scheduler_update_cost (connection, TRUE);
    g_assert_cmpint (caiman_scheduler_get_cost_deadline (connection), ==,
                     MS (1000) + connection->config.cost_delay_ns);
    connection->now_ns += connection->config.cost_delay_ns;
    caiman_scheduler_update_cost (connection, TRUE);
    g_assert_true (pick (&world, 1000000) == costly);
    /* The cheap link suffices again. */
    connection->unsent_bytes = 0;
    caiman_scheduler_update_cost (connection, FALSE);
    g_assert_null (pick (&world, 1000000));
    /* It fails: the costly one takes over at once. */
    caiman_link_set_state (cheap, CAIMAN_LINK_NOT_WORKING, CAIMAN_REASON_ACK_TIMEOUT);
    g_assert_true (pick (&world, 1000000) == costly);
    world_clear (&world);
  }
}

/* Shares follow the weights when every link could take everything. */
static void
test_weight (void)
{
  const CaimanPolicy policies[] = { CAIMAN_POLICY_ADAPTIVE, CAIMAN_POLICY_MIN_RTT,
                                    CAIMAN_POLICY_ROUND_ROBIN };
  const CaimanLinkInfo one = { .name = "one", .weight = 1 };
  const CaimanLinkInfo three = { .name = "three", .weight = 3 };
  for (gsize i = 0; i < G_N_ELEMENTS (policies); i++) {
    World world;
    world_init (&world, policies[i]);
    CaimanLink *light = world_add (&world, MBIT (50), MS (20), &one);
    CaimanLink *heavy = world_add (&world, MBIT (50), MS (20), &three);
    guint n_light = 0, n_heavy = 0;
    for (guint n = 0; n < 4000; n++) {
      CaimanLink *link = pick (&world, 1000000);
      n_light += link == light;
      n_heavy += link == heavy;
      caiman_scheduler_note_sent (link, 1000);
    }
    g_assert_cmpuint (n_light, >=, 990);
    g_assert_cmpuint (n_light, <=, 1010);
    g_assert_cmpuint (n_light + n_heavy, ==, 4000);
    world_clear (&world);
  }
}

/* Overdue, but its transport gets segments through: TCP repairs a loss, and must not run dry. */
static void
test_delivering_is_not_suspected (void)
{
  World world;
  world_init (&world, CAIMAN_POLICY_ADAPTIVE);
  CaimanLink *link = world_add (&world, MBIT (50), MS (20), NULL);
  world_add (&world, MBIT (50), MS (40), NULL);
  gint64 floor_ns = world.connection->config.suspect_floor_ns;
  CaimanLinkHint hint = { -1, -1, -1, -1, MS (20), 10 };
  caiman_flight_append (&link->flight, 0, 0)->snapshot.sent_ns = MS (800);
  caiman_link_set_hint (link, &hint, MS (1000));
  g_assert_cmpint (caiman_control_get_deadline (world.connection), ==, MS (1000) + floor_ns);
  hint.delivered = 11;
  caiman_link_set_hint (link, &hint, MS (1100));
  g_assert_cmpint (caiman_control_get_deadline (world.connection), ==, MS (1100) + floor_ns);
  caiman_link_set_hint (link, &hint, MS (1200)); /* no more than before */
  g_assert_cmpint (caiman_control_get_deadline (world.connection), ==, MS (1100) + floor_ns);
  world_clear (&world);
}

/* As good as an acknowledgement. */
static void
test_delivering_clears_suspicion (void)
{
  World world;
  world_init (&world, CAIMAN_POLICY_ADAPTIVE);
  CaimanLink *fast = world_add (&world, MBIT (50), MS (20), NULL);
  CaimanLink *slow = world_add (&world, MBIT (50), MS (40), NULL);
  CaimanLinkHint hint = { -1, -1, -1, -1, MS (20), 10 };
  caiman_link_set_hint (fast, &hint, MS (1000));
  caiman_link_suspect (fast, MS (30));
  g_assert_true (pick (&world, 1000000) == slow);
  hint.delivered = 11;
  caiman_link_set_hint (fast, &hint, MS (1000));
  g_assert_false (fast->suspected);
  g_assert_true (pick (&world, 1000000) == fast);
  world_clear (&world);
}

/* Where TCP limits what is in flight, the window does not: a congestion window that is never filled
 * does not grow. */
static void
test_window_over_congestion_control (void)
{
  World world;
  world_init (&world, CAIMAN_POLICY_ADAPTIVE);
  CaimanLink *link = world_add (&world, MBIT (50), MS (20), NULL);
  gint64 max_bytes = world.connection->config.link_window_max_bytes;
  CaimanLinkHint hint = { -1, -1, -1, -1, MS (20), 0 };
  link->control.startup = TRUE;
  caiman_link_set_hint (link, &hint, MS (1000));
  g_assert_cmpint (link->window_bytes, <, max_bytes);
  hint.delivered = 1;
  caiman_link_set_hint (link, &hint, MS (1000));
  g_assert_cmpint (link->window_bytes, ==, max_bytes);
  CaimanTransmission transmission = { .size_bytes = 65536 };
  transmission.snapshot.sent_ns = MS (980);
  caiman_control_acked (link, &transmission, TRUE);
  g_assert_cmpint (link->window_bytes, ==, max_bytes);
  world_clear (&world);
}

/* A transport whose round trip is a fraction of the link's knows of the way to a proxy only. */
static void
test_proxy_is_not_the_peer (void)
{
  World world;
  world_init (&world, CAIMAN_POLICY_ADAPTIVE);
  CaimanLink *link = world_add (&world, MBIT (50), MS (20), NULL);
  world_add (&world, MBIT (50), MS (40), NULL);
  CaimanLinkHint hint = { -1, -1, -1, -1, MS (9), 10 };
  link->control.startup = TRUE;
  caiman_link_set_hint (link, &hint, MS (1000));
  g_assert_true (link->control.startup);
  caiman_flight_append (&link->flight, 0, 0)->snapshot.sent_ns = MS (900);
  caiman_link_suspect (link, MS (30));
  hint.delivered = 11;
  caiman_link_set_hint (link, &hint, MS (1000));
  g_assert_true (link->suspected);
  world_clear (&world);
}

/* A transport in back-off makes its link suspect after SRTT and the floor, whatever the RTT's
 * variation. */
static void
test_hint_backoff (void)
{
  World world;
  world_init (&world, CAIMAN_POLICY_ADAPTIVE);
  CaimanLink *link = world_add (&world, MBIT (50), MS (20), NULL);
  world_add (&world, MBIT (50), MS (20), NULL);
  link->rtt.rttvar_ns = MS (50);
  caiman_flight_append (&link->flight, 0, 0)->snapshot.sent_ns = MS (1000);
  gint64 patient_ns = caiman_control_get_deadline (world.connection);
  const CaimanLinkHint hint = { -1, -1, -1, 1 };
  caiman_link_set_hint (link, &hint, MS (1000));
  g_assert_cmpint (caiman_control_get_deadline (world.connection), ==,
                   MS (1000) + MS (20) + world.connection->config.suspect_floor_ns);
  g_assert_cmpint (patient_ns, >=, MS (1200));
  CaimanLinkStats stats;
  caiman_link_get_stats (link, &stats, MS (1000));
  g_assert_cmpint (stats.hint.backoff, ==, 1);
  world_clear (&world);
}

/* The window that an acknowledgement leaves, when the transport says that its own smallest RTT is
 * @min_rtt_ns and the link's is @rtt_ns. */
static gint64
get_window_by_hint (gint64 min_rtt_ns, gint64 rtt_ns)
{
  World world;
  world_init (&world, CAIMAN_POLICY_ADAPTIVE);
  CaimanLink *link = world_add (&world, MBIT (40000), rtt_ns, NULL);
  const CaimanLinkHint hint = { -1, -1, -1, -1, min_rtt_ns };
  caiman_link_set_hint (link, &hint, MS (1000));
  link->control.startup = FALSE;
  CaimanTransmission transmission = { .size_bytes = 65536 };
  transmission.snapshot.sent_ns = MS (1000) - rtt_ns;
  caiman_control_acked (link, &transmission, FALSE);
  gint64 window_bytes = link->window_bytes;
  world_clear (&world);
  return window_bytes;
}

/* Within one machine the window does not follow the rate of bursts; a relay next door is not it. */
static void
test_local_window (void)
{
  g_assert_cmpint (get_window_by_hint (20000, MS (1)), ==, 1536 * 1024);
  g_assert_cmpint (get_window_by_hint (0, MS (1)), >, 8 * 1024 * 1024);
  g_assert_cmpint (get_window_by_hint (-1, MS (1)), >, 8 * 1024 * 1024);
  g_assert_cmpint (get_window_by_hint (MS (1), MS (1)), >, 8 * 1024 * 1024);
  g_assert_cmpint (get_window_by_hint (20000, MS (20)), >, 8 * 1024 * 1024);
}

/* Puts four messages of @bytes on @link, 5 ms apart from 1 s on. */
static void
send_four (CaimanLink *link, guint32 bytes)
{
  CaimanConnection *connection = link->connection;
  for (guint i = 0; i < 4; i++) {
    CaimanOutMessage *message = caiman_send_queue_append (&connection->queue, CAIMAN_MESSAGE_DATA);
    message->n_outstanding = 1;
    CaimanTransmission *sent = caiman_flight_append (&link->flight, message->seq, bytes);
    sent->snapshot.sent_ns = MS (1000 + 5 * i);
  }
}

/* The next message is @seq, and is sent. */
static void
assert_resent (CaimanConnection *connection, guint32 seq)
{
  CaimanOutMessage *message = caiman_send_queue_next_resend (&connection->queue);
  g_assert_cmpuint (message->seq, ==, seq);
  caiman_send_queue_unmark (&connection->queue, message);
}

/* Of a silent link's flight, what has probably not arrived is duplicated by turns with the rest. */
static void
test_younger_by_turns (void)
{
  World world;
  world_init (&world, CAIMAN_POLICY_ADAPTIVE);
  CaimanConnection *connection = world.connection;
  CaimanLink *link = world_add (&world, MBIT (50), MS (20), NULL);
  send_four (link, 0);
  link->rate.latest_bps = MBIT (50);
  link->last_acked_sent_ns = MS (995); /* half a round trip later: what was sent at 1 005 ms */
  caiman_link_suspect (link, MS (30));
  g_assert_cmpuint (connection->queue.n_resend, ==, 4);
  assert_resent (connection, 2);
  assert_resent (connection, 0);
  assert_resent (connection, 3);
  assert_resent (connection, 1);
  g_assert_null (caiman_send_queue_next_resend (&connection->queue));

  /* Suspicion that was wrong takes back what is still to be done. */
  caiman_link_clear_suspicion (link);
  caiman_link_suspect (link, MS (30));
  assert_resent (connection, 2);
  caiman_link_clear_suspicion (link);
  g_assert_cmpuint (connection->queue.n_resend, ==, 0);

  /* Nothing is known to have arrived: the oldest first. */
  link->last_acked_sent_ns = -1;
  caiman_link_suspect (link, MS (30));
  for (guint32 seq = 0; seq < 4; seq++)
    assert_resent (connection, seq);
  world_clear (&world);
}

/* A transport takes messages in bursts: in half a round trip no more arrives than the link carries.
 */
static void
test_younger_by_bytes (void)
{
  World world;
  world_init (&world, CAIMAN_POLICY_ADAPTIVE);
  CaimanConnection *connection = world.connection;
  CaimanLink *link = world_add (&world, MBIT (50), MS (20), NULL);
  send_four (link, MBIT (50) / 8 / 100); /* what it carries in 10 ms */
  link->rate.latest_bps = MBIT (50);
  link->last_acked_sent_ns = MS (1000);
  caiman_link_suspect (link, MS (30));
  assert_resent (connection, 1); /* not 3, as the times alone would have it */
  assert_resent (connection, 0);
  assert_resent (connection, 2);
  world_clear (&world);
}

/* PROTOCOL.md, 7: 5 % a step at first (the count starts at 45), 100 % for the only working link. */
static void
test_reference_growth (void)
{
  World world;
  world_init (&world, CAIMAN_POLICY_REFERENCE);
  const CaimanScheduler *scheduler = world.connection->scheduler;
  CaimanLink *a = world_add (&world, MBIT (50), MS (20), NULL);
  g_assert_cmpint (a->window_bytes, ==, 8192);
  a->rtt.n_samples = 10;
  world_fill (a);
  g_assert_true (scheduler->starved (world.connection));
  g_assert_cmpint (a->window_bytes, ==, 16384);
  /* Not again before a message sent since was acknowledged. */
  a->flight.bytes = a->window_bytes;
  g_assert_false (scheduler->starved (world.connection));

  CaimanLink *b = world_add (&world, MBIT (50), MS (20), NULL);
  b->rtt.n_samples = 10;
  b->flight.bytes = b->window_bytes;
  g_assert_true (scheduler->starved (world.connection));
  g_assert_cmpint (b->window_bytes, ==, 8192 + 8192 * 5 / 100);
  g_assert_cmpint (a->window_bytes, ==, 16384);
  /* One that is under its limit: nobody grows. */
  b->flight.bytes = 0;
  g_assert_false (scheduler->starved (world.connection));
  world_clear (&world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/scheduler/adaptive/earliest-arrival", test_earliest_arrival);
  g_test_add_func ("/core/scheduler/adaptive/waits-for-fast", test_waits_for_fast);
  g_test_add_func ("/core/scheduler/adaptive/waits-for-window", test_waits_for_window);
  g_test_add_func ("/core/scheduler/local-window", test_local_window);
  g_test_add_func ("/core/scheduler/control/hint-backoff", test_hint_backoff);
  g_test_add_func ("/core/scheduler/control/delivering-is-not-suspected",
                   test_delivering_is_not_suspected);
  g_test_add_func ("/core/scheduler/control/delivering-clears-suspicion",
                   test_delivering_clears_suspicion);
  g_test_add_func ("/core/scheduler/control/proxy-is-not-the-peer", test_proxy_is_not_the_peer);
  g_test_add_func ("/core/scheduler/control/window-over-congestion-control",
                   test_window_over_congestion_control);
  g_test_add_func ("/core/scheduler/control/younger-by-turns", test_younger_by_turns);
  g_test_add_func ("/core/scheduler/control/younger-by-bytes", test_younger_by_bytes);
  g_test_add_func ("/core/scheduler/skips-unfit", test_skips_unfit);
  g_test_add_func ("/core/scheduler/cost", test_cost);
  g_test_add_func ("/core/scheduler/weight", test_weight);
  g_test_add_func ("/core/scheduler/reference/growth", test_reference_growth);
  return g_test_run ();
}
