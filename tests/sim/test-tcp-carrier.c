/* SPDX-License-Identifier: Apache-2.0 */
/* test-tcp-carrier.c - frames over simulated TCP connections: what arrives when, what each fault
 * does, and what the path may do to packets. 8 Mbit/s, 10 ms one way, a queue of 50 ms. */
#include "tests/sim/pipe-world.h"

#define CONNECTED_NS 20120000 /* a SYN and its answer: 60 bytes each take 60 us */

typedef struct {
  SimPathConfig config[SIM_N_DIRECTIONS];
  World *w;
  User *client;
  User *server;
} Pair;

static void
set_up (Pair *p, gconstpointer data)
{
  (void)data;
  world_config (p->config, MBIT (8), MS (10));
  p->w = world_new_tcp (p->config);
  p->client = world_connect_both (p->w, &p->server);
}

static void
tear_down (Pair *p, gconstpointer data)
{
  (void)data;
  world_free (p->w);
}

/* Sends 10 000 bytes at a time for as long as there is room, up to user->user_hint packets. */
static void
send_more (User *user)
{
  while (user->end && user->n_sent < 200 && user_is_writable (user))
    user_send (user, (guint8)user->n_sent++, 10000);
}

static void
send_bulk (User *user)
{
  user->on_writable = send_more;
  send_more (user);
}

/* All frames have come, in order. */
static void
expect_all (User *sender, User *receiver)
{
  g_assert_cmpuint (sender->n_sent, ==, 200);
  g_assert_cmpuint (user_count_payloads (receiver), ==, 200);
  for (guint i = 0; i < receiver->arrivals->len; i++) {
    const Arrival *arrival = &g_array_index (receiver->arrivals, Arrival, i);
    g_assert_cmpuint (arrival->first_byte, ==, (guint8)(i / 2));
    g_assert_cmpuint (arrival->size_bytes, ==, i % 2 ? 10000 : 5);
  }
}

/* --- Without faults --- */

static void
test_times (Pair *p, gconstpointer data)
{
  gint64 start_ns = world_now (p->w);

  (void)data;
  g_assert_cmpint (p->client->connected_ns, ==, CONNECTED_NS);
  /* The handshake's last ACK has 52 bytes. */
  g_assert_cmpint (start_ns, ==, CONNECTED_NS + 52000 + MS (10));
  user_send (p->client, 1, 1000 - 52 - 25);
  world_advance (p->w, SEC (1));
  g_assert_cmpuint (p->server->arrivals->len, ==, 2);
  g_assert_cmpint (user_get_arrival (p->server, 1), ==, start_ns + MS (1) + MS (10));
}

/* Goodput: the rate less 52 of 1 500 bytes, and the frames' headers. */
static void
test_bulk (Pair *p, gconstpointer data)
{
  gint64 start_ns = world_now (p->w);
  CaimanLinkHint hint;

  (void)data;
  send_bulk (p->client);
  world_advance (p->w, SEC (1));
  p->client->end->klass->get_hint (p->client->end, &hint);
  g_assert_cmpint (hint.rtt_ns, >, MS (20));
  g_assert_cmpint (hint.backoff, ==, 0);
  world_advance (p->w, SEC (5));
  expect_all (p->client, p->server);
  gint64 took_ns = user_get_arrival (p->server, 399) - start_ns;
  double share = 200 * 10000 * 8 / (8e6 * (double)took_ns / 1e9);
  g_assert_cmpfloat (share, >=, 0.92);
  g_assert_cmpfloat (share, <=, 0.965);
  g_assert_cmpint (sim_link_path_get_stats (p->w->path, SIM_DIRECTION_UP)->bytes, >, 2000000);
}

static double
square (double x)
{
  return x * x;
}

/* Two connections over one path share it (Jain's index). */
static void
test_fairness (void)
{
  for (guint kind = 0; kind < SIM_TCP_N_CCS; kind++) {
    SimPathConfig config[SIM_N_DIRECTIONS];
    SimTcpConfig tcp;
    User *clients[2], *servers[2];
    double n[2];
    world_config (config, MBIT (8), MS (10));
    g_autoptr (World) w = world_new_tcp (config);
    sim_tcp_config_init (&tcp);
    tcp.congestion_control = (SimTcpCcKind)kind;
    sim_link_path_set_tcp (w->path, &tcp);
    for (guint i = 0; i < 2; i++)
      clients[i] = world_connect_both (w, &servers[i]);
    for (guint second = 0; second < 60; second++)
      for (guint i = 0; i < 2; i++) {
        clients[i]->n_sent = 0; /* there is always something */
        send_bulk (clients[i]);
        world_advance (w, MS (500));
      }
    for (guint i = 0; i < 2; i++)
      n[i] = user_count_payloads (servers[i]);
    double jain = square (n[0] + n[1]) / (2 * (square (n[0]) + square (n[1])));
    g_test_message ("%s: %.0f and %.0f packets, Jain %.3f",
                    sim_tcp_cc_kind_to_string ((SimTcpCcKind)kind), n[0], n[1], jain);
    g_assert_cmpfloat (jain, >=, 0.85);
    g_assert_cmpfloat ((n[0] + n[1]) * 10025 * 8 / 60, >=, 8e6 * 0.9);
  }
}

/* --- What the path does to packets --- */

static void
run_over (SimPathConfig config[SIM_N_DIRECTIONS])
{
  g_autoptr (World) w = world_new_tcp (config);
  User *server, *client = world_connect_both (w, &server);

  send_bulk (client);
  world_advance (w, SEC (600));
  expect_all (client, server);
}

static void
test_impaired (void)
{
  for (guint i = 0; i < 6; i++) {
    SimPathConfig config[SIM_N_DIRECTIONS];
    world_config (config, MBIT (8), MS (10));
    for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
      SimPathConfig *c = &config[d];
      if (i == 0)
        c->loss = (SimLossConfig) { .kind = SIM_LOSS_BERNOULLI, .p_ppb = 50000000 };
      else if (i == 1)
        c->duplicate_ppb = 100000000;
      else if (i == 2)
        c->corrupt_ppb = 20000000;
      else if (i == 3)
        c->mtu_bytes = 1000;
      else if (i == 4)
        c->jitter = (SimDist) { SIM_DIST_UNIFORM, MS (5) };
      else
        c->queue = (SimQueueLimit) { SIM_QUEUE_BYTES, 10000 };
      c->reorders = i == 4;
    }
    run_over (config);
  }
}

/* Nobody tells that packets are too large: nothing gets through, RTO after RTO. */
static void
test_mtu_blackhole (void)
{
  SimPathConfig config[SIM_N_DIRECTIONS];

  world_config (config, MBIT (8), MS (10));
  config[0].mtu_bytes = 1000;
  config[0].mtu_is_blackhole = TRUE;
  g_autoptr (World) w = world_new_tcp (config);
  User *server, *client = world_connect_both (w, &server);
  send_bulk (client);
  world_advance (w, SEC (60));
  g_assert_cmpuint (user_count_payloads (server), ==, 0);
  user_expect_alive (client);
}

/* --- Faults --- */

/* Packets vanish, and the retransmission timer decides when it goes on: back-off after two seconds
 * of silence takes a while. */
static void
test_blackhole (Pair *p, gconstpointer data)
{
  CaimanLinkHint hint;

  (void)data;
  send_bulk (p->client);
  world_advance (p->w, MS (500));
  sim_link_path_set_blackhole (p->w->path, SIM_DIRECTIONS_BOTH, TRUE);
  world_advance (p->w, MS (20));
  guint n = p->server->arrivals->len;
  world_advance (p->w, MS (1980));
  g_assert_cmpuint (p->server->arrivals->len, ==, n);
  p->client->end->klass->get_hint (p->client->end, &hint);
  g_assert_cmpint (hint.backoff, >=, 2);
  sim_link_path_set_blackhole (p->w->path, SIM_DIRECTIONS_BOTH, FALSE);
  gint64 over_ns = world_now (p->w);
  world_advance (p->w, SEC (20));
  expect_all (p->client, p->server);
  gint64 again_ns = user_get_arrival (p->server, n);
  g_assert_cmpint (again_ns - over_ns, >, MS (100));
  g_assert_cmpint (again_ns - over_ns, <, SEC (3));
}

/* Paused, packets wait in the queue and arrive afterwards. */
static void
test_pause (Pair *p, gconstpointer data)
{
  (void)data;
  user_send (p->client, 1, 1000);
  sim_link_path_set_paused (p->w->path, SIM_DIRECTIONS_UP, TRUE);
  world_advance (p->w, MS (150));
  gint64 over_ns = world_now (p->w);
  sim_link_path_set_paused (p->w->path, SIM_DIRECTIONS_UP, FALSE);
  world_advance (p->w, SEC (1));
  g_assert_cmpuint (p->server->arrivals->len, ==, 2);
  g_assert_cmpint (user_get_arrival (p->server, 1) - over_ns, <=, MS (12));
}

/* The client's interface is gone. Up again, the host answers what still comes with RST. */
static void
test_down (Pair *p, gconstpointer data)
{
  (void)data;
  send_bulk (p->server);
  world_advance (p->w, MS (100));
  gint64 down_ns = world_now (p->w);
  sim_link_path_set_down (p->w->path, TRUE);
  world_advance (p->w, SEC (2));
  user_expect_failed (p->client, CAIMAN_REASON_LINK_DOWN, down_ns);
  user_expect_alive (p->server);
  User *late = world_connect (p->w, p->w->path);
  world_advance (p->w, 1);
  g_assert_cmpint (late->reason, ==, CAIMAN_REASON_LINK_DOWN);
  sim_link_path_set_down (p->w->path, FALSE);
  world_advance (p->w, SEC (10));
  g_assert_cmpint (p->server->reason, ==, CAIMAN_REASON_LINK_RESET);
  g_assert_cmpint (p->server->failed_ns, >, down_ns + SEC (2));
}

static void
test_reset (Pair *p, gconstpointer data)
{
  (void)data;
  send_bulk (p->client);
  world_advance (p->w, MS (100));
  gint64 now_ns = world_now (p->w);
  User *young = world_connect (p->w, p->w->path);
  sim_link_path_reset (p->w->path);
  world_advance (p->w, SEC (5));
  user_expect_failed (p->client, CAIMAN_REASON_LINK_RESET, now_ns);
  user_expect_failed (p->server, CAIMAN_REASON_LINK_RESET, now_ns);
  user_expect_failed (young, CAIMAN_REASON_CONNECT_REFUSED, now_ns);
  g_assert_cmpuint (p->w->servers->len, ==, 1);
}

/* FIN behind what is queued. */
static void
test_close_fault (Pair *p, gconstpointer data)
{
  (void)data;
  for (guint i = 0; i < 5; i++)
    user_send (p->client, (guint8)i, 1000);
  sim_link_path_close (p->w->path);
  world_advance (p->w, SEC (1));
  g_assert_cmpuint (user_count_payloads (p->server), ==, 5);
  g_assert_cmpint (p->client->reason, ==, CAIMAN_REASON_LINK_CLOSED);
  g_assert_cmpint (p->server->reason, ==, CAIMAN_REASON_LINK_CLOSED);
  g_assert_cmpuint (sim_link_path_get_connections (p->w->path), ==, 1); /* the users hold it */
}

/* The next segment of the client is answered with RST, and what the server sends is lost. */
static void
test_rebind (Pair *p, gconstpointer data)
{
  (void)data;
  sim_link_path_rebind (p->w->path);
  user_send (p->server, 7, 1000);
  world_advance (p->w, SEC (1));
  g_assert_cmpuint (user_count_payloads (p->client), ==, 0);
  user_expect_alive (p->client);
  user_expect_alive (p->server);
  user_send (p->client, 8, 1000);
  world_advance (p->w, SEC (1));
  g_assert_cmpint (p->client->reason, ==, CAIMAN_REASON_LINK_RESET);
  g_assert_cmpuint (user_count_payloads (p->server), ==, 0);
  user_expect_alive (p->server); /* nobody has told it */
  User *again = world_connect (p->w, p->w->path);
  world_advance (p->w, SEC (1));
  user_send (again, 9, 1000);
  world_advance (p->w, SEC (1));
  user_expect_alive (again);
}

/* What was on its way already had the old address. */
static void
test_rebind_in_flight (Pair *p, gconstpointer data)
{
  (void)data;
  user_send (p->client, 8, 1000);
  world_advance (p->w, MS (1));
  sim_link_path_rebind (p->w->path);
  world_advance (p->w, SEC (1));
  g_assert_cmpuint (user_count_payloads (p->server), ==, 1);
  world_advance (p->w, SEC (5)); /* the acknowledgement is lost, and it is sent again */
  g_assert_cmpint (p->client->reason, ==, CAIMAN_REASON_LINK_RESET);
}

static void
test_half_open (Pair *p, gconstpointer data)
{
  (void)data;
  send_bulk (p->client);
  world_advance (p->w, MS (100));
  gint64 now_ns = world_now (p->w);
  sim_link_path_half_open (p->w->path, SIM_DIRECTIONS_DOWN);
  world_advance (p->w, SEC (100));
  user_expect_failed (p->server, CAIMAN_REASON_LINK_IO_ERROR, now_ns);
  user_expect_alive (p->client);
}

static void
test_refusing (Pair *p, gconstpointer data)
{
  (void)data;
  sim_link_path_set_refusing (p->w->path, TRUE);
  User *late = world_connect (p->w, p->w->path);
  gint64 now_ns = world_now (p->w);
  world_advance (p->w, SEC (1));
  g_assert_cmpint (late->reason, ==, CAIMAN_REASON_CONNECT_REFUSED);
  g_assert_cmpint (late->failed_ns - now_ns, <, MS (21));
  user_expect_alive (p->client);
}

static void
test_connect_timeout (Pair *p, gconstpointer data)
{
  (void)data;
  sim_link_path_set_blackhole (p->w->path, SIM_DIRECTIONS_UP, TRUE);
  sim_link_path_set_connect_timeout (p->w->path, SEC (4));
  gint64 now_ns = world_now (p->w);
  User *late = world_connect (p->w, p->w->path);
  world_advance (p->w, SEC (20));
  user_expect_failed (late, CAIMAN_REASON_CONNECT_TIMEOUT, now_ns + SEC (4));
}

/* A flipped bit gets past TCP's checksum, and is found by the frame's. */
static void
test_corrupt (Pair *p, gconstpointer data)
{
  (void)data;
  for (guint i = 0; i < 3; i++)
    user_send (p->client, (guint8)i, 1000);
  world_advance (p->w, MS (100));
  sim_link_path_corrupt (p->w->path, SIM_DIRECTIONS_UP, 1);
  for (guint i = 0; i < 3; i++)
    user_send (p->client, (guint8)i, 1000);
  world_advance (p->w, SEC (1));
  g_assert_cmpuint (user_count_payloads (p->server), ==, 3);
  g_assert_cmpint (p->server->reason, ==, CAIMAN_REASON_LINK_FRAME_ERROR);
  g_assert_cmpint (p->client->reason, ==, CAIMAN_REASON_LINK_RESET);
}

static void
test_user_timeout (void)
{
  SimPathConfig config[SIM_N_DIRECTIONS];
  SimTcpConfig tcp;

  world_config (config, MBIT (8), MS (10));
  g_autoptr (World) w = world_new_tcp (config);
  sim_tcp_config_init (&tcp);
  tcp.user_timeout_ns = SEC (3);
  sim_link_path_set_tcp (w->path, &tcp);
  User *server, *client = world_connect_both (w, &server);
  sim_link_path_set_blackhole (w->path, SIM_DIRECTIONS_BOTH, TRUE);
  gint64 now_ns = world_now (w);
  user_send (client, 0, 1000);
  world_advance (w, SEC (20));
  g_assert_cmpint (client->reason, ==, CAIMAN_REASON_SEND_TIMEOUT);
  g_assert_cmpint (client->failed_ns - now_ns, >=, SEC (3));
  g_assert_cmpint (client->failed_ns - now_ns, <=, SEC (3) + MS (300));
}

/* Slower, farther, lossier, with a longer queue: at once, and it all arrives. */
static void
test_set (Pair *p, gconstpointer data)
{
  SimLossConfig loss = { .kind = SIM_LOSS_BERNOULLI, .p_ppb = 10000000 };
  SimQueueLimit queue = { SIM_QUEUE_PACKETS, 1000 };

  (void)data;
  send_bulk (p->client);
  world_advance (p->w, MS (300));
  guint n = p->server->arrivals->len;
  sim_link_path_set_rate (p->w->path, SIM_DIRECTIONS_BOTH, MBIT (1));
  world_advance (p->w, SEC (2));
  n = p->server->arrivals->len - n;
  g_assert_cmpuint (n, <=, 2 * 2000000 / 8 / 10025 + 20);
  sim_link_path_set_rate (p->w->path, SIM_DIRECTIONS_BOTH, MBIT (20));
  sim_link_path_set_delay (p->w->path, SIM_DIRECTIONS_BOTH, MS (60));
  sim_link_path_set_loss (p->w->path, SIM_DIRECTIONS_UP, &loss);
  sim_link_path_set_queue (p->w->path, SIM_DIRECTIONS_UP, &queue);
  world_advance (p->w, SEC (120));
  expect_all (p->client, p->server);
}

/* close() and free(): what was sent arrives, then the end; nothing is left behind. */
static void
test_drain (Pair *p, gconstpointer data)
{
  (void)data;
  for (guint i = 0; i < 20; i++)
    user_send (p->client, (guint8)i, 10000);
  user_close (p->client);
  user_free_end (p->client);
  world_advance (p->w, SEC (2));
  g_assert_cmpuint (user_count_payloads (p->server), ==, 20);
  g_assert_cmpint (p->server->reason, ==, CAIMAN_REASON_LINK_CLOSED);
  user_free_end (p->server);
  world_advance (p->w, SEC (1));
  g_assert_cmpuint (sim_link_path_get_connections (p->w->path), ==, 0);
}

/* The peer does not end: after ten seconds it is told so. */
static void
test_drain_gives_up (Pair *p, gconstpointer data)
{
  (void)data;
  user_set_reading (p->server, FALSE);
  user_fill (p->client, 60000);
  user_close (p->client);
  user_free_end (p->client);
  world_advance (p->w, SEC (9));
  user_expect_alive (p->server);
  world_advance (p->w, SEC (2));
  g_assert_cmpint (p->server->reason, ==, CAIMAN_REASON_LINK_RESET);
}

#define ADD(name, func) g_test_add ("/sim/tcp/carrier/" name, Pair, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("times", test_times);
  ADD ("bulk", test_bulk);
  g_test_add_func ("/sim/tcp/carrier/fairness", test_fairness);
  g_test_add_func ("/sim/tcp/carrier/impaired", test_impaired);
  g_test_add_func ("/sim/tcp/carrier/mtu-blackhole", test_mtu_blackhole);
  ADD ("blackhole", test_blackhole);
  ADD ("pause", test_pause);
  ADD ("down", test_down);
  ADD ("reset", test_reset);
  ADD ("close-fault", test_close_fault);
  ADD ("half-open", test_half_open);
  ADD ("rebind", test_rebind);
  ADD ("rebind/in-flight", test_rebind_in_flight);
  ADD ("refusing", test_refusing);
  ADD ("connect-timeout", test_connect_timeout);
  ADD ("corrupt", test_corrupt);
  g_test_add_func ("/sim/tcp/carrier/user-timeout", test_user_timeout);
  ADD ("set", test_set);
  ADD ("drain", test_drain);
  ADD ("drain-gives-up", test_drain_gives_up);
  return g_test_run ();
}
