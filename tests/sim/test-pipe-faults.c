/* SPDX-License-Identifier: Apache-2.0 */
/* test-pipe-faults.c - what each fault does to established pipe connections. 8 Mbit/s, 10 ms one
 * way, packets of 1 ms; the story begins at 30 ms, when the server has accepted. */
#include "tests/sim/pipe-world.h"

typedef struct {
  World *w;
  User *client;
  User *server;
} Pair;

static void
set_up (Pair *p, gconstpointer data)
{
  p->w = world_new_simple (MBIT (8), MS (10));
  p->client = world_connect_both (p->w, &p->server);
}

static void
tear_down (Pair *p, gconstpointer data)
{
  world_free (p->w);
}

static void
send_packets (User *user, guint n)
{
  for (guint i = 0; i < n; i++)
    user_send (user, (guint8)i, 975);
}

/* Of packet n (both frames), in ms since the story's beginning. */
static void
expect_arrival_ms (User *user, guint n, gint64 ms)
{
  g_assert_cmpint (user_get_arrival (user, 2 * n), ==, MS (30 + ms));
  g_assert_cmpint (user_get_arrival (user, 2 * n + 1), ==, MS (30 + ms));
}

static void
test_blackhole (Pair *p, gconstpointer data)
{
  send_packets (p->client, 30);
  send_packets (p->server, 1);
  world_advance (p->w, MS (15)); /* 5 have arrived, 10 are in flight, 15 are unsent */
  sim_link_path_set_blackhole (p->w->path, SIM_DIRECTIONS_UP, TRUE);
  world_advance (p->w, MS (100));
  g_assert_cmpuint (user_count_payloads (p->server), ==, 5);
  sim_link_path_set_blackhole (p->w->path, SIM_DIRECTIONS_UP, FALSE);
  world_run (p->w);
  expect_arrival_ms (p->server, 4, 15);
  expect_arrival_ms (p->server, 5, 115);
  expect_arrival_ms (p->server, 14, 115);
  expect_arrival_ms (p->server, 15, 115 + 1 + 10);
  expect_arrival_ms (p->server, 29, 115 + 15 + 10);
  expect_arrival_ms (p->client, 0, 11); /* the other direction does not care */
}

/* It ends before what is in flight is due: nothing arrives sooner than it would have. */
static void
test_short_blackhole (Pair *p, gconstpointer data)
{
  send_packets (p->client, 3);
  world_advance (p->w, MS (1) + 500000); /* the second packet is half out */
  sim_link_path_set_blackhole (p->w->path, SIM_DIRECTIONS_BOTH, TRUE);
  sim_link_path_set_blackhole (p->w->path, SIM_DIRECTIONS_BOTH, TRUE);
  world_advance (p->w, MS (2));
  sim_link_path_set_blackhole (p->w->path, SIM_DIRECTIONS_BOTH, FALSE);
  world_run (p->w);
  expect_arrival_ms (p->server, 0, 11);
  expect_arrival_ms (p->server, 1, 14);
  expect_arrival_ms (p->server, 2, 15);
}

/* What had arrived before can still be read; a full send buffer tells when it has room again. */
static void
test_blackhole_and_buffers (Pair *p, gconstpointer data)
{
  user_set_reading (p->server, FALSE);
  send_packets (p->client, 2);
  world_advance (p->w, MS (20));
  sim_link_path_set_blackhole (p->w->path, SIM_DIRECTIONS_UP, TRUE);
  g_assert_cmpuint (user_fill (p->client, 975), ==, 50);
  user_set_reading (p->server, TRUE);
  world_advance (p->w, SEC (1));
  g_assert_cmpuint (user_count_payloads (p->server), ==, 2);
  g_assert_cmpuint (p->client->n_writable, ==, 0);
  sim_link_path_set_blackhole (p->w->path, SIM_DIRECTIONS_UP, FALSE);
  world_run (p->w);
  g_assert_cmpuint (p->client->n_writable, ==, 1);
  g_assert_cmpint (p->client->writable_ns, ==, SEC (1) + MS (30 + 20 + 1));
  g_assert_cmpuint (user_count_payloads (p->server), ==, 52);
}

/* An abort in the dark is heard of at the end. */
static void
test_abort_in_a_blackhole (Pair *p, gconstpointer data)
{
  sim_link_path_set_blackhole (p->w->path, SIM_DIRECTIONS_UP, TRUE);
  user_set_reading (p->server, FALSE);
  world_advance (p->w, MS (5));
  user_abort (p->client);
  world_advance (p->w, SEC (1));
  user_expect_alive (p->server);
  sim_link_path_set_blackhole (p->w->path, SIM_DIRECTIONS_UP, FALSE);
  world_run (p->w);
  user_expect_failed (p->server, CAIMAN_REASON_LINK_RESET, SEC (1) + MS (35));
}

static void
test_pause (Pair *p, gconstpointer data)
{
  send_packets (p->client, 6);
  world_advance (p->w, MS (3) + 250000);
  sim_link_path_set_paused (p->w->path, SIM_DIRECTIONS_UP, TRUE);
  world_advance (p->w, MS (100));
  g_assert_cmpuint (user_count_payloads (p->server), ==, 3); /* in flight: arrived */
  sim_link_path_set_paused (p->w->path, SIM_DIRECTIONS_UP, FALSE);
  world_run (p->w);
  expect_arrival_ms (p->server, 2, 13);
  expect_arrival_ms (p->server, 3, 114);
  expect_arrival_ms (p->server, 5, 116);
}

/* Paused and dark: both must end. A packet that leaves the buffer meanwhile is not sent later. */
static void
test_pause_and_blackhole (Pair *p, gconstpointer data)
{
  User *server, *other = world_connect_both (p->w, &server);

  send_packets (other, 2);
  send_packets (p->client, 1);
  sim_link_path_set_paused (p->w->path, SIM_DIRECTIONS_UP, TRUE);
  sim_link_path_set_blackhole (p->w->path, SIM_DIRECTIONS_UP, TRUE);
  world_advance (p->w, MS (10));
  sim_link_path_set_paused (p->w->path, SIM_DIRECTIONS_UP, FALSE);
  world_advance (p->w, MS (10));
  g_assert_cmpuint (caiman_timer_queue_get_pending (p->w->queue), ==, 0);
  user_free_end (other);
  sim_link_path_set_blackhole (p->w->path, SIM_DIRECTIONS_UP, FALSE);
  world_run (p->w);
  expect_arrival_ms (p->server, 0, 30 + 20 + 1 + 10);
  g_assert_cmpuint (server->arrivals->len, ==, 0);
}

static void
test_down (Pair *p, gconstpointer data)
{
  User *again;

  send_packets (p->client, 10);
  send_packets (p->server, 10);
  world_advance (p->w, MS (12)); /* one has arrived on each side */
  sim_link_path_set_down (p->w->path, TRUE);
  g_assert_false (user_is_writable (p->client));
  g_assert_true (user_is_writable (p->server));
  world_advance (p->w, SEC (100));
  user_expect_failed (p->client, CAIMAN_REASON_LINK_DOWN, MS (42));
  user_expect_alive (p->server);
  g_assert_cmpuint (user_count_payloads (p->client), ==, 2);
  g_assert_cmpuint (user_count_payloads (p->server), ==, 2);

  /* Nobody takes what the server sends; also not when the interface is up again. */
  sim_link_path_set_down (p->w->path, FALSE);
  g_assert_cmpuint (user_fill (p->server, 975), ==, 50);
  again = world_connect (p->w, p->w->path);
  world_run (p->w);
  g_assert_cmpint (again->connected_ns, >, 0);
  g_assert_cmpuint (p->server->n_writable, ==, 0);
  user_abort (p->server);
  world_run (p->w);
  user_expect_alive (again);
}

static void
test_reset (Pair *p, gconstpointer data)
{
  send_packets (p->client, 10);
  send_packets (p->server, 10);
  world_advance (p->w, MS (12));
  sim_link_path_reset (p->w->path);
  sim_link_path_reset (p->w->path);
  user_expect_alive (p->client);
  world_run (p->w);
  user_expect_failed (p->client, CAIMAN_REASON_LINK_RESET, MS (42));
  user_expect_failed (p->server, CAIMAN_REASON_LINK_RESET, MS (42));
  g_assert_cmpuint (user_count_payloads (p->server), ==, 2);
  user_abort (p->client);
  user_close (p->server);
}

/* A user that frees the end before the report gets none. */
static void
test_free_before_the_report (Pair *p, gconstpointer data)
{
  sim_link_path_reset (p->w->path);
  user_abort (p->client);
  user_free_end (p->server);
  world_run (p->w);
  user_expect_alive (p->client);
  user_expect_alive (p->server);
}

static void
test_close (Pair *p, gconstpointer data)
{
  send_packets (p->client, 5);
  send_packets (p->server, 20);
  sim_link_path_close (p->w->path);
  sim_link_path_close (p->w->path);
  g_assert_false (user_is_writable (p->client));
  send_packets (p->client, 1); /* too late: dropped */
  world_run (p->w);
  g_assert_cmpuint (user_count_payloads (p->server), ==, 5);
  g_assert_cmpuint (user_count_payloads (p->client), ==, 20);
  user_expect_failed (p->server, CAIMAN_REASON_LINK_CLOSED, MS (30 + 5 + 10));
  user_expect_failed (p->client, CAIMAN_REASON_LINK_CLOSED, MS (30 + 20 + 10));
}

static void
free_in_hook (User *user)
{
  user_free_end (user);
}

/* Freed after its FIN has come, an end lets its own data drain; freed before, too. */
static void
test_close_and_free (Pair *p, gconstpointer data)
{
  send_packets (p->server, 20);
  p->server->on_failed = free_in_hook;
  sim_link_path_close (p->w->path);
  world_run (p->w);
  g_assert_cmpuint (user_count_payloads (p->client), ==, 20);
  user_expect_failed (p->client, CAIMAN_REASON_LINK_CLOSED, MS (30 + 20 + 10));
}

/* What an end has unsent is dropped when the peer that closed is gone. */
static void
test_close_with_the_peer_gone (Pair *p, gconstpointer data)
{
  user_close (p->client);
  user_free_end (p->client);
  send_packets (p->server, 20);
  world_run (p->w);
  user_expect_failed (p->server, CAIMAN_REASON_LINK_CLOSED, MS (40));
  g_assert_cmpuint (sim_link_path_get_stats (p->w->path, SIM_DIRECTION_DOWN)->packets, <, 20);
}

static void
test_half_open_server_gone (Pair *p, gconstpointer data)
{
  send_packets (p->client, 20);
  send_packets (p->server, 20);
  world_advance (p->w, MS (5));
  sim_link_path_half_open (p->w->path, SIM_DIRECTIONS_DOWN);
  world_advance (p->w, SEC (100));
  user_expect_failed (p->server, CAIMAN_REASON_LINK_IO_ERROR, MS (35));
  user_expect_alive (p->client);
  g_assert_cmpuint (user_count_payloads (p->client), ==, 5); /* were in flight */
  g_assert_cmpuint (user_count_payloads (p->server), ==, 0);
  g_assert_cmpuint (user_fill (p->client, 975), ==, 50 - 15);
  g_assert_cmpuint (p->client->n_writable, ==, 0);
  user_free_end (p->server);
  world_run (p->w);
  user_expect_alive (p->client);
}

static void
test_half_open_client_gone (Pair *p, gconstpointer data)
{
  sim_link_path_half_open (p->w->path, SIM_DIRECTIONS_UP);
  world_run (p->w);
  user_expect_failed (p->client, CAIMAN_REASON_LINK_IO_ERROR, MS (30));
  user_expect_alive (p->server);
  sim_link_path_half_open (p->w->path, SIM_DIRECTIONS_BOTH);
  world_run (p->w);
  user_expect_failed (p->server, CAIMAN_REASON_LINK_IO_ERROR, MS (30));
}

/* The vanished end's packet in service makes way for another connection's. */
static void
test_half_open_lets_others_pass (Pair *p, gconstpointer data)
{
  User *server, *client;

  send_packets (p->client, 20);
  world_advance (p->w, 500000);
  sim_link_path_half_open (p->w->path, SIM_DIRECTIONS_DOWN);
  client = world_connect_both (p->w, &server);
  send_packets (client, 1);
  world_run (p->w);
  g_assert_cmpint (user_get_arrival (server, 1), ==, MS (60 + 1 + 10) + 500000);
}

static void
test_corrupt_next_frames (Pair *p, gconstpointer data)
{
  send_packets (p->client, 3);
  world_advance (p->w, MS (2)); /* two are out */
  sim_link_path_corrupt (p->w->path, SIM_DIRECTIONS_UP, 1);
  world_run (p->w);
  g_assert_cmpuint (p->server->arrivals->len, ==, 4);
  user_expect_failed (p->server, CAIMAN_REASON_LINK_FRAME_ERROR, MS (43));
  user_expect_failed (p->client, CAIMAN_REASON_LINK_RESET, MS (53));
}

/* Every bit but those of the length is tried sooner or later. */
static void
test_corrupt_any_bit (Pair *p, gconstpointer data)
{
  for (guint i = 0; i < 300; i++) {
    User *server, *client = world_connect_both (p->w, &server);

    /* 0: of both frames, 1: of the second only, 2: of a message alone. */
    if (i % 3 == 1)
      user_send_message (client, 1, 1);
    sim_link_path_corrupt (p->w->path, SIM_DIRECTIONS_UP, i % 3 ? 1 : G_MAXUINT64);
    if (i % 3 == 1)
      sim_link_path_corrupt (p->w->path, SIM_DIRECTIONS_UP, 0);
    world_advance (p->w, MS (1));
    if (i % 3 == 1)
      sim_link_path_corrupt (p->w->path, SIM_DIRECTIONS_UP, 1);
    if (i % 3 == 2)
      user_send_message (client, 2, 1);
    else
      user_send (client, 2, i % 7);
    world_run (p->w);
    g_assert_cmpstr (caiman_reason_to_string (server->reason), ==, "link-frame-error");
    g_assert_cmpstr (caiman_reason_to_string (client->reason), ==, "link-reset");
    g_assert_cmpuint (server->arrivals->len, ==, i % 3 == 1);
    sim_link_path_corrupt (p->w->path, SIM_DIRECTIONS_UP, 0);
  }
  user_send (p->client, 1, 975);
  world_run (p->w);
  g_assert_cmpuint (p->server->arrivals->len, ==, 2);
}

/* 1 ms of service at 8 Mbit/s is half done when the rate doubles. */
static void
test_rate_change (Pair *p, gconstpointer data)
{
  send_packets (p->client, 3);
  world_advance (p->w, 500000);
  sim_link_path_set_rate (p->w->path, SIM_DIRECTIONS_UP, MBIT (16));
  world_advance (p->w, 500000 + 250000); /* the second is done */
  sim_link_path_set_rate (p->w->path, SIM_DIRECTIONS_BOTH, SIM_RATE_UNLIMITED);
  world_run (p->w);
  g_assert_cmpint (user_get_arrival (p->server, 1), ==, MS (30 + 10) + 750000);
  g_assert_cmpint (user_get_arrival (p->server, 3), ==, MS (30 + 10) + 1250000);
  g_assert_cmpint (user_get_arrival (p->server, 5), ==, MS (30 + 10) + 1250000);
  g_assert_cmpint (sim_link_path_get_config (p->w->path, SIM_DIRECTION_UP)->rate_bps, ==,
                   SIM_RATE_UNLIMITED);
}

/* A higher rate means a larger buffer (50 ms of it); a queue can be set, too. */
static void
test_limit_change_makes_writable (Pair *p, gconstpointer data)
{
  SimQueueLimit queue = { SIM_QUEUE_BYTES, 200000 };

  g_assert_cmpuint (user_fill (p->client, 975), ==, 50);
  sim_link_path_set_rate (p->w->path, SIM_DIRECTIONS_UP, MBIT (16));
  g_assert_cmpuint (p->client->n_writable, ==, 0);
  caiman_timer_queue_step (p->w->queue);
  g_assert_cmpuint (p->client->n_writable, ==, 1);
  g_assert_cmpuint (user_fill (p->client, 975), ==, 50);
  sim_link_path_set_queue (p->w->path, SIM_DIRECTIONS_UP, &queue);
  user_close (p->client); /* no call-back then */
  sim_link_path_set_queue (p->w->path, SIM_DIRECTIONS_DOWN, &queue);
  world_run (p->w);
  g_assert_cmpuint (p->client->n_writable, ==, 1);
  g_assert_cmpuint (user_fill (p->server, 975), ==, 0);
}

/* A shorter delay does not let later packets overtake. */
static void
test_delay_change (Pair *p, gconstpointer data)
{
  send_packets (p->client, 3);
  world_advance (p->w, MS (2));
  sim_link_path_set_delay (p->w->path, SIM_DIRECTIONS_UP, MS (2));
  world_run (p->w);
  expect_arrival_ms (p->server, 0, 11);
  expect_arrival_ms (p->server, 1, 12);
  expect_arrival_ms (p->server, 2, 12);
}

static void
test_jitter_and_loss_change (Pair *p, gconstpointer data)
{
  SimLossConfig loss = { .kind = SIM_LOSS_NTH, .every = 1 };
  SimDist jitter = { SIM_DIST_UNIFORM, MS (1) };

  sim_link_path_set_loss (p->w->path, SIM_DIRECTIONS_UP, &loss);
  send_packets (p->client, 1);
  world_run (p->w);
  expect_arrival_ms (p->server, 0, 11 + 20);
  sim_link_path_set_jitter (p->w->path, SIM_DIRECTIONS_DOWN, &jitter);
  send_packets (p->server, 1);
  world_run (p->w);
  g_assert_cmpint (user_get_arrival (p->client, 1), !=, MS (30 + 31 + 11));
  g_assert_cmpint (ABS (user_get_arrival (p->client, 1) - MS (30 + 31 + 11)), <=, MS (1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add ("/sim/pipe-faults/" path, Pair, NULL, set_up, func, tear_down)
  ADD ("blackhole", test_blackhole);
  ADD ("short-blackhole", test_short_blackhole);
  ADD ("blackhole-and-buffers", test_blackhole_and_buffers);
  ADD ("abort-in-a-blackhole", test_abort_in_a_blackhole);
  ADD ("pause", test_pause);
  ADD ("pause-and-blackhole", test_pause_and_blackhole);
  ADD ("down", test_down);
  ADD ("reset", test_reset);
  ADD ("free-before-the-report", test_free_before_the_report);
  ADD ("close", test_close);
  ADD ("close-and-free", test_close_and_free);
  ADD ("close-with-the-peer-gone", test_close_with_the_peer_gone);
  ADD ("half-open-server-gone", test_half_open_server_gone);
  ADD ("half-open-client-gone", test_half_open_client_gone);
  ADD ("half-open-lets-others-pass", test_half_open_lets_others_pass);
  ADD ("corrupt-next-frames", test_corrupt_next_frames);
  ADD ("corrupt-any-bit", test_corrupt_any_bit);
  ADD ("rate-change", test_rate_change);
  ADD ("limit-change-makes-writable", test_limit_change_makes_writable);
  ADD ("delay-change", test_delay_change);
  ADD ("jitter-and-loss-change", test_jitter_and_loss_change);
  return g_test_run ();
}
