/* SPDX-License-Identifier: Apache-2.0 */
/* test-pipe.c - the pipe carrier on a path without faults: times, order, loss, both buffers, ends.
 * At 8 Mbit/s a byte takes 1 us; a payload of 975 bytes makes 1 000 bytes on the wire, 1 ms. */
#include "tests/sim/pipe-world.h"

static void
test_rate_and_delay_are_exact (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *server, *client = world_connect_both (w, &server);

  g_assert_cmpint (world_now (w), ==, MS (30));
  for (guint i = 0; i < 3; i++)
    user_send (client, (guint8)i, 975);
  user_send_message (client, 9, 6);   /* 16 bytes */
  user_send_message (client, 9, 100); /* 110 bytes, not inline */
  world_run (w);
  for (guint i = 0; i < 3; i++) {
    g_assert_cmpint (user_get_arrival (server, 2 * i), ==, MS (41 + i));
    g_assert_cmpint (user_get_arrival (server, 2 * i + 1), ==, MS (41 + i));
    g_assert_cmpuint (g_array_index (server->arrivals, Arrival, 2 * i).size_bytes, ==, 5);
    g_assert_cmpuint (g_array_index (server->arrivals, Arrival, 2 * i + 1).size_bytes, ==, 975);
    g_assert_cmpuint (g_array_index (server->arrivals, Arrival, 2 * i + 1).first_byte, ==, i);
  }
  g_assert_cmpint (user_get_arrival (server, 6), ==, MS (43) + 16000);
  g_assert_cmpint (user_get_arrival (server, 7), ==, MS (43) + 126000);
  g_assert_cmpuint (sim_link_path_get_stats (w->path, SIM_DIRECTION_UP)->bytes, ==, 3126);
  g_assert_cmpuint (sim_link_path_get_stats (w->path, SIM_DIRECTION_UP)->packets, ==, 5);
}

static void
test_directions_differ (void)
{
  SimPathConfig config[SIM_N_DIRECTIONS];
  User *server, *client;

  world_config (config, MBIT (8), MS (10));
  config[SIM_DIRECTION_DOWN].rate_bps = MBIT (16);
  config[SIM_DIRECTION_DOWN].delay_ns = MS (30);
  g_autoptr (World) w = world_new (config);
  client = world_connect_both (w, &server);
  g_assert_cmpint (client->connected_ns, ==, MS (40));
  g_assert_cmpint (world_now (w), ==, MS (50));
  user_send (client, 1, 975);
  user_send (server, 2, 975);
  world_run (w);
  g_assert_cmpint (user_get_arrival (server, 1), ==, MS (50 + 1 + 10));
  g_assert_cmpint (user_get_arrival (client, 1), ==, MS (50 + 30) + 500000);
}

static void
test_empty_payload_is_a_frame (void)
{
  g_autoptr (World) w = world_new_simple (SIM_RATE_UNLIMITED, MS (10));
  User *server, *client = world_connect_both (w, &server);

  user_send (client, 1, 0);
  world_run (w);
  g_assert_cmpuint (server->arrivals->len, ==, 2);
  g_assert_cmpuint (g_array_index (server->arrivals, Arrival, 1).size_bytes, ==, 0);
  g_assert_cmpint (user_get_arrival (server, 1), ==, MS (40));
}

static void
expect_in_order (User *user, guint n)
{
  gint64 before_ns = 0;

  g_assert_cmpuint (user->arrivals->len, ==, 2 * n);
  for (guint i = 0; i < user->arrivals->len; i++) {
    Arrival *a = &g_array_index (user->arrivals, Arrival, i);

    g_assert_cmpuint (a->first_byte, ==, (guint8)(i / 2));
    g_assert_cmpint (a->at_ns, >=, before_ns);
    before_ns = a->at_ns;
  }
}

static void
test_jitter_keeps_order (void)
{
  SimPathConfig config[SIM_N_DIRECTIONS];
  User *server, *client;
  guint late = 0;

  world_config (config, MBIT (8), MS (10));
  config[SIM_DIRECTION_UP].jitter = (SimDist) { SIM_DIST_NORMAL, MS (5) };
  config[SIM_DIRECTION_UP].queue.unit = SIM_QUEUE_UNLIMITED;
  g_autoptr (World) w = world_new (config);
  client = world_connect_both (w, &server);
  for (guint i = 0; i < 500; i++)
    user_send (client, (guint8)i, 975);
  world_run (w);
  expect_in_order (server, 500);
  for (guint i = 0; i < 500; i++)
    late += user_get_arrival (server, 2 * i) > MS (30 + 1 + 10 + i);
  /* Many wait for one in front of them. */
  g_assert_cmpuint (late, >, 300);
}

static World *
world_new_lossy (const SimLossConfig *loss)
{
  SimPathConfig config[SIM_N_DIRECTIONS];

  world_config (config, MBIT (8), MS (10));
  config[SIM_DIRECTION_DOWN].delay_ns = MS (15);
  config[SIM_DIRECTION_UP].loss = *loss;
  return world_new (config);
}

/* Every third packet comes one RTT late, and those behind it wait for it. */
static void
test_loss_delays_by_one_rtt (void)
{
  SimLossConfig loss = { .kind = SIM_LOSS_NTH, .every = 3 };
  g_autoptr (World) w = world_new_lossy (&loss);
  User *server, *client = world_connect_both (w, &server);
  CaimanLinkHint hint;

  for (guint i = 0; i < 5; i++)
    user_send (client, (guint8)i, 975);
  world_advance (w, MS (40));
  user_send (client, 5, 975);
  world_run (w);
  expect_in_order (server, 6);
  /* Sent from 35 ms on: RTT 25 ms. */
  g_assert_cmpint (user_get_arrival (server, 2), ==, MS (35 + 2 + 10));
  g_assert_cmpint (user_get_arrival (server, 4), ==, MS (35 + 3 + 10 + 25));
  g_assert_cmpint (user_get_arrival (server, 6), ==, MS (35 + 3 + 10 + 25));
  g_assert_cmpint (user_get_arrival (server, 8), ==, MS (35 + 3 + 10 + 25));
  g_assert_cmpint (user_get_arrival (server, 10), ==, MS (75 + 1 + 10 + 25));
  client->end->klass->get_hint (client->end, &hint);
  g_assert_cmpint (hint.retransmits, ==, 2);
  g_assert_cmpint (hint.rtt_ns, ==, MS (25));
  g_assert_cmpint (hint.unsent_bytes, ==, 0);
  g_assert_cmpint (hint.backoff, ==, -1);
}

/* A draw per 1 448 bytes; several losses in one packet cost one RTT together. */
static void
test_loss_is_drawn_per_segment (void)
{
  SimLossConfig loss = { .kind = SIM_LOSS_MASK, .mask = 0x30, .mask_bits = 64 };
  g_autoptr (World) w = world_new_lossy (&loss);
  User *server, *client = world_connect_both (w, &server);

  user_send (client, 0, 4 * 1448 - 25); /* segments 0 to 3 */
  user_send (client, 1, 2 * 1448 - 24); /* 4, 5 and one byte in 6 */
  user_send (client, 2, 1);             /* 7 */
  world_run (w);
  g_assert_cmpint (user_get_arrival (server, 0), ==, MS (35 + 10) + 5792000);
  g_assert_cmpint (user_get_arrival (server, 2), ==, MS (35 + 10 + 25) + 5792000 + 2897000);
  g_assert_cmpuint (sim_link_path_get_stats (w->path, SIM_DIRECTION_UP)->lost_packets, ==, 2);
}

static guint
fill_with_queue (gint64 rate_bps, SimQueueUnit unit, gint64 value, gsize payload_bytes)
{
  SimPathConfig config[SIM_N_DIRECTIONS];
  User *server, *client;
  guint n;

  world_config (config, rate_bps, MS (10));
  config[SIM_DIRECTION_UP].queue = (SimQueueLimit) { unit, value };
  g_autoptr (World) w = world_new (config);
  client = world_connect_both (w, &server);
  n = user_fill (client, payload_bytes);
  world_run (w);
  expect_in_order (server, n);
  g_assert_cmpuint (client->n_writable, ==, 1);
  return n;
}

/* Packets of 1 000 bytes until the limit is reached. */
static void
test_send_buffer_limits (void)
{
  g_assert_cmpuint (fill_with_queue (MBIT (8), SIM_QUEUE_TIME, MS (50), 975), ==, 50);
  g_assert_cmpuint (fill_with_queue (MBIT (8), SIM_QUEUE_TIME, MS (1), 975), ==, 17); /* 16 KiB */
  g_assert_cmpuint (fill_with_queue (MBIT (8), SIM_QUEUE_BYTES, 4096, 975), ==, 5);
  g_assert_cmpuint (fill_with_queue (MBIT (8), SIM_QUEUE_BYTES, 4096, 16384), ==, 1);
  g_assert_cmpuint (fill_with_queue (MBIT (8), SIM_QUEUE_BYTES, 4000, 975), ==, 4);
  g_assert_cmpuint (fill_with_queue (MBIT (8), SIM_QUEUE_PACKETS, 100, 1423), ==, 100);
  g_assert_cmpuint (fill_with_queue (MBIT (8), SIM_QUEUE_PACKETS, 2, 975), ==, 17);
  g_assert_cmpuint (fill_with_queue (SIM_RATE_UNLIMITED, SIM_QUEUE_TIME, MS (1), 999), ==, 256);
}

static void
test_unlimited_queue_never_fills (void)
{
  SimPathConfig config[SIM_N_DIRECTIONS];
  User *server, *client;

  world_config (config, MBIT (8), MS (10));
  config[SIM_DIRECTION_UP].queue.unit = SIM_QUEUE_UNLIMITED;
  g_autoptr (World) w = world_new (config);
  client = world_connect_both (w, &server);
  for (guint i = 0; i < 10000; i++) {
    user_send (client, (guint8)i, 975);
    g_assert_true (user_is_writable (client));
  }
  world_run (w);
  expect_in_order (server, 10000);
  g_assert_cmpuint (client->n_writable, ==, 0);
}

static void
test_writable_when_there_is_room (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *server, *client = world_connect_both (w, &server);
  CaimanLinkHint hint;

  g_assert_cmpuint (user_fill (client, 975), ==, 50);
  client->end->klass->get_hint (client->end, &hint);
  g_assert_cmpint (hint.unsent_bytes, ==, 50000);
  world_advance (w, MS (1) - 1);
  g_assert_false (user_is_writable (client));
  world_advance (w, 1);
  g_assert_cmpuint (client->n_writable, ==, 1);
  g_assert_cmpint (client->writable_ns, ==, MS (31));
  world_run (w);
  g_assert_cmpuint (client->n_writable, ==, 1);
}

static void
keep_filling (User *user)
{
  user_fill (user, 975);
}

/* 256 KiB + 8 Mbit/s x 20 ms = 282 144 bytes are let through: 282 packets, and 50 are held back. */
static void
test_receiver_holds_sender_back (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *server, *client = world_connect_both (w, &server);

  client->on_writable = keep_filling;
  user_set_reading (server, FALSE);
  keep_filling (client);
  world_advance (w, SEC (10));
  g_assert_cmpuint (caiman_timer_queue_get_pending (w->queue), ==, 0);
  g_assert_cmpuint (sim_link_path_get_stats (w->path, SIM_DIRECTION_UP)->packets, ==, 282);
  g_assert_cmpuint (server->arrivals->len, ==, 0);
  g_assert_false (user_is_writable (client));

  client->on_writable = NULL;
  user_set_reading (server, TRUE);
  world_run (w);
  g_assert_cmpuint (user_count_payloads (server), ==, 282 + 50);
  /* What waited comes at once, what was held back at the rate. */
  g_assert_cmpint (user_get_arrival (server, 2 * 281), ==, SEC (10) + MS (30));
  g_assert_cmpint (user_get_arrival (server, 2 * 282), ==, SEC (10) + MS (30 + 1 + 10));
}

static void
test_receive_buffer_is_settable (void)
{
  g_autoptr (World) w = world_new_simple (SIM_RATE_UNLIMITED, MS (10));
  User *server, *client;

  sim_link_path_set_receive_buffer (w->path, 5000);
  client = world_connect_both (w, &server);
  user_set_reading (server, FALSE);
  user_fill (client, 975);
  world_run (w);
  g_assert_cmpuint (sim_link_path_get_stats (w->path, SIM_DIRECTION_UP)->packets, ==, 5);
  sim_link_path_set_receive_buffer (w->path, 7000);
  world_run (w);
  g_assert_cmpuint (sim_link_path_get_stats (w->path, SIM_DIRECTION_UP)->packets, ==, 7);
}

/* One packet larger than the buffer passes, a second does not. */
static void
test_receive_buffer_takes_one_packet (void)
{
  g_autoptr (World) w = world_new_simple (SIM_RATE_UNLIMITED, MS (10));
  User *server, *client;

  sim_link_path_set_receive_buffer (w->path, 500);
  client = world_connect_both (w, &server);
  user_set_reading (server, FALSE);
  user_send (client, 0, 975);
  user_send (client, 1, 975);
  world_run (w);
  g_assert_cmpuint (sim_link_path_get_stats (w->path, SIM_DIRECTION_UP)->packets, ==, 1);
  user_set_reading (server, TRUE);
  world_run (w);
  expect_in_order (server, 2);
}

static void
stop_reading (User *user)
{
  user_set_reading (user, FALSE);
}

/* One frame per permission to read. */
static void
test_stops_between_message_and_payload (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *server, *client = world_connect_both (w, &server);

  server->on_packet = stop_reading;
  user_send (client, 0, 975);
  user_send (client, 1, 975);
  for (guint i = 1; i <= 4; i++) {
    world_run (w);
    g_assert_cmpuint (server->arrivals->len, ==, i);
    user_set_reading (server, TRUE);
    user_set_reading (server, TRUE);
  }
  world_run (w);
  expect_in_order (server, 2);
}

static void
test_abort (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *server, *client = world_connect_both (w, &server);

  user_fill (client, 975);
  world_advance (w, MS (3) + 500000); /* three are out, the fourth is half out */
  user_abort (client);
  user_abort (client);
  g_assert_false (user_is_writable (client));
  user_send (client, 0, 100); /* goes nowhere */
  user_set_reading (client, FALSE);
  user_send (server, 0, 100);
  world_run (w);
  g_assert_cmpuint (user_count_payloads (server), ==, 3);
  user_expect_failed (server, CAIMAN_REASON_LINK_RESET, MS (33 + 10) + 500000);
  user_expect_alive (client);
  g_assert_cmpuint (client->arrivals->len, ==, 0);
}

/* A reset is noticed at once by an end that does not read; what it had not read is gone. */
static void
test_abort_reaches_who_does_not_read (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *server, *client = world_connect_both (w, &server);

  user_set_reading (server, FALSE);
  user_send (client, 0, 975);
  world_advance (w, MS (20));
  user_abort (client);
  world_run (w);
  user_expect_failed (server, CAIMAN_REASON_LINK_RESET, MS (60));
  user_set_reading (server, TRUE);
  world_run (w);
  g_assert_cmpuint (server->arrivals->len, ==, 0);
}

static void
test_close_drains (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *server, *client = world_connect_both (w, &server);
  guint n = user_fill (client, 975);

  user_close (client);
  user_close (client);
  g_assert_false (user_is_writable (client));
  user_free_end (client);
  world_run (w);
  g_assert_cmpuint (user_count_payloads (server), ==, n);
  user_expect_failed (server, CAIMAN_REASON_LINK_CLOSED, MS (30 + 50 + 10));
  user_free_end (server);
  g_assert_cmpuint (sim_link_path_get_connections (w->path), ==, 0);
}

static void
test_close_waits_for_the_reader (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *server, *client = world_connect_both (w, &server);

  user_set_reading (server, FALSE);
  user_send (client, 0, 975);
  user_close (client);
  user_free_end (client);
  world_advance (w, SEC (5));
  user_expect_alive (server);
  user_set_reading (server, TRUE);
  world_run (w);
  g_assert_cmpuint (server->arrivals->len, ==, 2);
  user_expect_failed (server, CAIMAN_REASON_LINK_CLOSED, SEC (5) + MS (30));
}

/* Two connections: packets go out in the order of sending, each has a buffer of its own. */
static void
test_two_connections_share_a_path (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *server_a, *a = world_connect_both (w, &server_a);
  User *server_b, *b = world_connect_both (w, &server_b);

  user_send (a, 0, 975);
  user_send (b, 0, 975);
  user_send (b, 1, 975);
  user_send (a, 1, 975);
  world_run (w);
  g_assert_cmpint (user_get_arrival (server_a, 1), ==, MS (60 + 1 + 10));
  g_assert_cmpint (user_get_arrival (server_b, 1), ==, MS (60 + 2 + 10));
  g_assert_cmpint (user_get_arrival (server_b, 3), ==, MS (60 + 3 + 10));
  g_assert_cmpint (user_get_arrival (server_a, 3), ==, MS (60 + 4 + 10));

  g_assert_cmpuint (user_fill (a, 975), ==, 50);
  g_assert_cmpuint (user_fill (b, 975), ==, 50);
  g_assert_cmpuint (sim_link_path_get_connections (w->path), ==, 2);
}

/* One whose receiver does not read does not hold up the other. */
static void
test_stalled_connection_lets_others_pass (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *server_a, *a, *server_b, *b;

  sim_link_path_set_receive_buffer (w->path, 1000);
  a = world_connect_both (w, &server_a);
  b = world_connect_both (w, &server_b);
  user_set_reading (server_a, FALSE);
  user_fill (a, 975);
  world_advance (w, SEC (1));
  user_send (b, 0, 975);
  world_run (w);
  g_assert_cmpint (user_get_arrival (server_b, 1), ==, SEC (1) + MS (60 + 1 + 10));
  user_set_reading (server_a, TRUE);
  world_run (w);
  expect_in_order (server_a, 50);
}

/* Dropping one's backlog lets the other's packet go at once. */
static void
test_abort_frees_the_serialiser (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  User *server_a, *a = world_connect_both (w, &server_a);
  User *server_b, *b = world_connect_both (w, &server_b);

  user_fill (a, 975);
  user_send (b, 0, 975);
  user_free_end (a);
  world_run (w);
  g_assert_cmpint (user_get_arrival (server_b, 1), ==, MS (60 + 1 + 10));
  user_expect_failed (server_a, CAIMAN_REASON_LINK_RESET, MS (60 + 10));
}

static void
test_network_frees_what_drains (void)
{
  World *w = world_new_simple (MBIT (8), MS (10));
  User *server, *client = world_connect_both (w, &server);

  user_fill (client, 975);
  user_close (client);
  user_free_end (client);
  user_free_end (server);
  client = world_connect (w, w->path);
  world_advance (w, MS (20));
  user_fill (client, 975);
  user_close (client);
  user_free_end (client); /* its server's end is still to come */
  g_assert_cmpuint (sim_link_path_get_connections (w->path), ==, 1);
  world_free (w);
  sim_network_free (NULL);
}

static void
test_paths_by_name (void)
{
  g_autoptr (World) w = world_new_simple (MBIT (8), MS (10));
  SimPathConfig config[SIM_N_DIRECTIONS];
  SimLinkPath *lte;

  world_config (config, MBIT (1), MS (5));
  lte = sim_network_add_path (w->network, "lte", SIM_CARRIER_PIPE, config);
  g_assert_true (sim_network_get_path (w->network, "lte") == lte);
  g_assert_true (sim_network_get_path (w->network, "wifi") == w->path);
  g_assert_null (sim_network_get_path (w->network, "dsl"));
  g_assert_cmpstr (sim_link_path_get_name (lte), ==, "lte");
  sim_link_path_set_user_data (lte, w);
  g_assert_true (sim_link_path_get_user_data (lte) == w);
  g_assert_true (sim_network_get_queue (w->network) == w->queue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add_func ("/sim/pipe/" path, func)
  ADD ("rate-and-delay-exact", test_rate_and_delay_are_exact);
  ADD ("directions-differ", test_directions_differ);
  ADD ("empty-payload", test_empty_payload_is_a_frame);
  ADD ("jitter-keeps-order", test_jitter_keeps_order);
  ADD ("loss-delays-by-one-rtt", test_loss_delays_by_one_rtt);
  ADD ("loss-per-segment", test_loss_is_drawn_per_segment);
  ADD ("send-buffer-limits", test_send_buffer_limits);
  ADD ("unlimited-queue", test_unlimited_queue_never_fills);
  ADD ("writable", test_writable_when_there_is_room);
  ADD ("receiver-holds-sender-back", test_receiver_holds_sender_back);
  ADD ("receive-buffer-settable", test_receive_buffer_is_settable);
  ADD ("receive-buffer-takes-one-packet", test_receive_buffer_takes_one_packet);
  ADD ("stops-between-message-and-payload", test_stops_between_message_and_payload);
  ADD ("abort", test_abort);
  ADD ("abort-reaches-who-does-not-read", test_abort_reaches_who_does_not_read);
  ADD ("close-drains", test_close_drains);
  ADD ("close-waits-for-the-reader", test_close_waits_for_the_reader);
  ADD ("two-connections", test_two_connections_share_a_path);
  ADD ("stalled-lets-others-pass", test_stalled_connection_lets_others_pass);
  ADD ("abort-frees-the-serialiser", test_abort_frees_the_serialiser);
  ADD ("network-frees-what-drains", test_network_frees_what_drains);
  ADD ("paths-by-name", test_paths_by_name);
  return g_test_run ();
}
