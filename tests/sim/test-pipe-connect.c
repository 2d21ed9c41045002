/* SPDX-License-Identifier: Apache-2.0 */
/* test-pipe-connect.c - the handshake of pipe connections: one way takes 10 ms unless said. */
#include "tests/sim/pipe-world.h"

static void
test_times (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *client = world_connect (w, w->path);

  g_assert_false (user_is_writable (client));
  world_advance (w, MS (20) - 1);
  g_assert_cmpint (client->connected_ns, ==, -1);
  world_advance (w, 1);
  g_assert_cmpint (client->connected_ns, ==, MS (20));
  g_assert_true (user_is_writable (client));
  g_assert_cmpuint (client->n_writable, ==, 0);
  g_assert_cmpuint (w->servers->len, ==, 0);
  world_run (w);
  g_assert_cmpint (w->accepted_ns, ==, MS (30));
  g_assert_cmpint (((User *)w->servers->pdata[0])->connected_ns, ==, -1);
}

/* What the client sends at once is behind the accept call-back. */
static void
send_at_once (User *user)
{
  user_send (user, 0, 975);
}

static void
test_data_follows_the_accept (void)
{
  SimPathConfig config[SIM_N_DIRECTIONS];
  User *client, *server;

  world_config (config, SIM_RATE_UNLIMITED, MS (10));
  config[SIM_DIRECTION_UP].jitter = (SimDist) { SIM_DIST_UNIFORM, MS (10) };
  g_autoptr (World) w = world_new (config);
  for (guint i = 0; i < 20; i++) {
    client = world_connect (w, w->path);
    client->on_connected = send_at_once;
    world_run (w);
    server = w->servers->pdata[i];
    g_assert_cmpint (user_get_arrival (server, 0), >=, w->accepted_ns);
    g_assert_cmpuint (server->arrivals->len, ==, 2);
  }
}

static void
test_refused (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *client;

  sim_link_path_set_refusing (w->path, TRUE);
  client = world_connect (w, w->path);
  world_run (w);
  user_expect_failed (client, CAIMAN_REASON_CONNECT_REFUSED, MS (20));
  g_assert_cmpint (client->connected_ns, ==, -1);
  g_assert_cmpuint (w->servers->len, ==, 0);

  sim_link_path_set_refusing (w->path, FALSE);
  client = world_connect (w, w->path);
  world_run (w);
  g_assert_cmpint (client->connected_ns, ==, MS (40));

  sim_network_set_accept (w->network, NULL, NULL);
  client = world_connect (w, w->path);
  world_run (w);
  g_assert_cmpstr (caiman_reason_to_string (client->reason), ==, "connect-refused");
}

/* The server stops accepting while the last segment is in flight. */
static void
test_refused_late (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *client = world_connect (w, w->path);

  world_advance (w, MS (25));
  sim_link_path_set_refusing (w->path, TRUE);
  world_run (w);
  g_assert_cmpint (client->connected_ns, ==, MS (20));
  user_expect_failed (client, CAIMAN_REASON_LINK_RESET, MS (40));
  g_assert_cmpuint (w->servers->len, ==, 0);
}

/* SYNs at 0, 1, 3, 7, 15 s; the time-out is 30 s by default. */
static void
test_times_out_in_a_blackhole (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *client;

  sim_link_path_set_blackhole (w->path, SIM_DIRECTIONS_BOTH, TRUE);
  client = world_connect (w, w->path);
  world_run (w);
  user_expect_failed (client, CAIMAN_REASON_CONNECT_TIMEOUT, SEC (30));
  sim_link_path_set_connect_timeout (w->path, SEC (2));
  client = world_connect (w, w->path);
  world_run (w);
  user_expect_failed (client, CAIMAN_REASON_CONNECT_TIMEOUT, SEC (32));
  sim_link_path_set_connect_timeout (w->path, SEC (500));
  client = world_connect (w, w->path);
  world_run (w);
  user_expect_failed (client, CAIMAN_REASON_CONNECT_TIMEOUT, SEC (532));
}

static void
expect_connected_by_syn_at (SimDirections dark, gint64 dark_from_ns, gint64 dark_until_ns,
                            gint64 syn_ns)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *client;

  if (dark_from_ns == 0)
    sim_link_path_set_blackhole (w->path, dark, TRUE);
  client = world_connect (w, w->path);
  world_advance (w, dark_from_ns);
  sim_link_path_set_blackhole (w->path, dark, TRUE);
  world_advance (w, dark_until_ns - dark_from_ns);
  sim_link_path_set_blackhole (w->path, dark, FALSE);
  world_run (w);
  g_assert_cmpint (client->connected_ns, ==, syn_ns + MS (20));
  g_assert_cmpint (w->accepted_ns, ==, syn_ns + MS (30));
  g_assert_cmpuint (w->servers->len, ==, 1);
}

static void
test_syn_is_repeated (void)
{
  expect_connected_by_syn_at (SIM_DIRECTIONS_BOTH, 0, MS (1), SEC (1));
  expect_connected_by_syn_at (SIM_DIRECTIONS_UP, 0, MS (1500), SEC (3));
  expect_connected_by_syn_at (SIM_DIRECTIONS_DOWN, 0, SEC (5), SEC (7));
  expect_connected_by_syn_at (SIM_DIRECTIONS_UP, 0, SEC (14), SEC (15));
}

/* A blackhole that begins with the segment in flight, even if it is over before the arrival. */
static void
test_blackhole_swallows_what_is_in_flight (void)
{
  expect_connected_by_syn_at (SIM_DIRECTIONS_UP, MS (5), MS (6), SEC (1));
  expect_connected_by_syn_at (SIM_DIRECTIONS_DOWN, MS (15), MS (16), SEC (1));
  /* After the SYN has arrived, darkness up does not matter to it. */
  expect_connected_by_syn_at (SIM_DIRECTIONS_UP, MS (11), MS (12), 0);
}

/* The third segment waits in the blackhole and comes at its end. */
static void
test_accept_waits_in_a_blackhole (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *client = world_connect (w, w->path);

  client->on_connected = send_at_once;
  world_advance (w, MS (25));
  sim_link_path_set_blackhole (w->path, SIM_DIRECTIONS_UP, TRUE);
  world_advance (w, SEC (10));
  g_assert_cmpuint (w->servers->len, ==, 0);
  sim_link_path_set_blackhole (w->path, SIM_DIRECTIONS_UP, FALSE);
  world_run (w);
  g_assert_cmpint (w->accepted_ns, ==, SEC (10) + MS (25));
  g_assert_cmpuint (((User *)w->servers->pdata[0])->arrivals->len, ==, 2);
}

static void
test_syn_into_a_pause (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *client;

  sim_link_path_set_paused (w->path, SIM_DIRECTIONS_UP, TRUE);
  client = world_connect (w, w->path);
  world_advance (w, MS (500));
  sim_link_path_set_paused (w->path, SIM_DIRECTIONS_UP, FALSE);
  world_run (w);
  g_assert_cmpint (client->connected_ns, ==, SEC (1) + MS (20));
}

/* With a RTT of 4 s, SYNs leave at 0, 1 and 3 s; the first answer counts, there is one server. */
static void
test_long_rtt (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), SEC (2));
  User *client = world_connect (w, w->path);

  world_run (w);
  g_assert_cmpint (client->connected_ns, ==, SEC (4));
  g_assert_cmpint (w->accepted_ns, ==, SEC (6));
  g_assert_cmpuint (w->servers->len, ==, 1);

  sim_link_path_set_blackhole (w->path, SIM_DIRECTIONS_UP, TRUE);
  client = world_connect (w, w->path);
  world_advance (w, MS (500));
  sim_link_path_set_blackhole (w->path, SIM_DIRECTIONS_UP, FALSE);
  world_run (w);
  g_assert_cmpint (client->connected_ns, ==, SEC (6 + 1 + 4));
  g_assert_cmpuint (w->servers->len, ==, 2);
}

static void
test_down (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *client = world_connect (w, w->path);

  world_advance (w, MS (5));
  sim_link_path_set_down (w->path, TRUE);
  sim_link_path_set_down (w->path, TRUE);
  g_assert_cmpint (client->failed_ns, ==, -1); /* not from inside the call */
  world_run (w);
  user_expect_failed (client, CAIMAN_REASON_LINK_DOWN, MS (5));
  client = world_connect (w, w->path);
  world_run (w);
  user_expect_failed (client, CAIMAN_REASON_LINK_DOWN, MS (5));
  sim_link_path_set_down (w->path, FALSE);
  client = world_connect (w, w->path);
  world_run (w);
  g_assert_cmpint (client->connected_ns, ==, MS (25));
}

static void
test_reset_while_connecting (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *client = world_connect (w, w->path);

  world_advance (w, MS (5));
  sim_link_path_close (w->path);
  sim_link_path_half_open (w->path, SIM_DIRECTIONS_BOTH);
  sim_link_path_reset (w->path);
  world_run (w);
  user_expect_failed (client, CAIMAN_REASON_CONNECT_REFUSED, MS (5));
  g_assert_cmpuint (w->servers->len, ==, 0);
}

/* Connected, but the server has not accepted yet. */
static void
test_faults_before_the_accept (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *client = world_connect (w, w->path);

  world_advance (w, MS (25));
  sim_link_path_close (w->path);
  world_run (w);
  user_expect_alive (client);
  g_assert_cmpuint (w->servers->len, ==, 1);

  client = world_connect (w, w->path);
  world_advance (w, MS (25));
  sim_link_path_reset (w->path);
  world_run (w);
  user_expect_failed (client, CAIMAN_REASON_LINK_RESET, MS (30 + 25));
  client = world_connect (w, w->path);
  world_advance (w, MS (25));
  sim_link_path_set_down (w->path, TRUE);
  world_run (w);
  user_expect_failed (client, CAIMAN_REASON_LINK_DOWN, MS (30 + 25 + 25));
  g_assert_cmpuint (w->servers->len, ==, 1);
}

/* A user that gives up, at every stage. */
static void
test_abort_at_every_stage (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));

  for (guint i = 0; i < 6; i++) {
    User *client = world_connect (w, w->path);
    guint n_servers = w->servers->len;

    world_advance (w, MS (5 * i));
    if (i % 2)
      user_close (client);
    user_free_end (client);
    world_run (w);
    /* From 20 ms on it is established, and the server sees it come and go. */
    g_assert_cmpuint (w->servers->len - n_servers, ==, i >= 4);
    if (i >= 4) {
      User *server = w->servers->pdata[n_servers];
      user_expect_failed (server, i == 4 ? CAIMAN_REASON_LINK_RESET : CAIMAN_REASON_LINK_CLOSED,
                          w->accepted_ns + (i == 5 ? MS (5) : 0));
    }
    g_assert_cmpuint (sim_link_path_get_connections (w->path), ==, w->servers->len);
  }
}

static void
free_in_hook (User *user)
{
  user_free_end (user);
}

static void
test_free_in_call_backs (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *client;

  client = world_connect (w, w->path);
  client->on_connected = free_in_hook;
  world_run (w);
  g_assert_cmpuint (w->servers->len, ==, 1);

  w->on_accept = free_in_hook;
  client = world_connect (w, w->path);
  client->on_failed = free_in_hook;
  world_run (w);
  g_assert_cmpstr (caiman_reason_to_string (client->reason), ==, "link-reset");
  g_assert_null (client->end);

  sim_link_path_set_down (w->path, TRUE);
  client = world_connect (w, w->path);
  client->on_failed = free_in_hook;
  world_run (w);
  g_assert_null (client->end);
  client = world_connect (w, w->path);
  user_free_end (client); /* before it hears of it */
  world_run (w);
  user_expect_alive (client);
  g_assert_cmpuint (sim_link_path_get_connections (w->path), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add_func ("/sim/pipe-connect/" path, func)
  ADD ("times", test_times);
  ADD ("data-follows-the-accept", test_data_follows_the_accept);
  ADD ("refused", test_refused);
  ADD ("refused-late", test_refused_late);
  ADD ("times-out-in-a-blackhole", test_times_out_in_a_blackhole);
  ADD ("syn-repeated", test_syn_is_repeated);
  ADD ("blackhole-swallows-in-flight", test_blackhole_swallows_what_is_in_flight);
  ADD ("accept-waits-in-a-blackhole", test_accept_waits_in_a_blackhole);
  ADD ("syn-into-a-pause", test_syn_into_a_pause);
  ADD ("long-rtt", test_long_rtt);
  ADD ("down", test_down);
  ADD ("reset", test_reset_while_connecting);
  ADD ("faults-before-the-accept", test_faults_before_the_accept);
  ADD ("abort-at-every-stage", test_abort_at_every_stage);
  ADD ("free-in-call-backs", test_free_in_call_backs);
  return g_test_run ();
}
