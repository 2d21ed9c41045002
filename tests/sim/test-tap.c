/* SPDX-License-Identifier: Apache-2.0 */
/* test-tap.c - what the tap tells of a connection's life, and that it changes nothing. */
#include "sim/tap.h"
#include "tests/sim/pipe-world.h"

/* "up SYN leaves" and the like, with the time in us, a line each. */
static void
note (gpointer user_data, const SimTapEvent *event)
{
  static const char *const names[] = { "syn", "syn-ack", "ack", "frame", "fin", "rst" };
  GString *lines = user_data;

  g_assert_cmpstr (sim_link_path_get_name (event->path), ==, "wifi");
  g_string_append_printf (lines, "%d %u %s %s %s", (int)(event->time_ns / CAIMAN_NS_PER_US),
                          event->connection, event->direction == SIM_DIRECTION_UP ? "up" : "down",
                          names[event->kind], event->arrives ? "arrives" : "leaves");
  if (event->kind == SIM_TAP_FRAME)
    g_string_append_printf (lines, " %u%s", (guint)event->size,
                            event->corrupt_bit == SIM_TAP_INTACT ? "" : " corrupt");
  else
    g_assert_true (event->data == NULL && event->corrupt_bit == SIM_TAP_INTACT);
  g_string_append_c (lines, '\n');
}

static World *
new_world (GString *lines)
{
  World *world = world_new_simple (MBIT (8), MS (10));
  sim_network_set_tap (world->network, note, lines);
  return world;
}

static void
test_life (void)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (World) w = new_world (lines);
  User *server, *client = world_connect_both (w, &server);

  user_send (client, 0, 975); /* 1 ms on the wire */
  user_close (client);
  world_run (w);
  g_assert_cmpstr (lines->str, ==,
                   "0 1 up syn leaves\n"
                   "10000 1 up syn arrives\n"
                   "10000 1 down syn-ack leaves\n"
                   "20000 1 down syn-ack arrives\n"
                   "20000 1 up ack leaves\n"
                   "30000 1 up ack arrives\n"
                   "31000 1 up frame leaves 5\n"
                   "31000 1 up frame leaves 975\n"
                   "31000 1 up fin leaves\n"
                   "41000 1 up frame arrives 5\n"
                   "41000 1 up frame arrives 975\n"
                   "41000 1 up fin arrives\n");
}

static void
test_reset (void)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (World) w = new_world (lines);
  User *server, *client = world_connect_both (w, &server);

  g_string_truncate (lines, 0);
  user_abort (client);
  world_run (w);
  g_assert_cmpstr (lines->str, ==, "30000 1 up rst leaves\n40000 1 up rst arrives\n");
  world_connect_both (w, &server);
  g_string_truncate (lines, 0);
  sim_link_path_reset (w->path); /* by something between both */
  g_assert_cmpstr (lines->str, ==, "70000 2 down rst arrives\n70000 2 up rst arrives\n");
}

static void
test_refused (void)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (World) w = new_world (lines);

  sim_link_path_set_refusing (w->path, TRUE);
  world_connect (w, w->path);
  world_run (w);
  g_assert_cmpstr (lines->str, ==,
                   "0 1 up syn leaves\n10000 1 up syn arrives\n"
                   "10000 1 down rst leaves\n20000 1 down rst arrives\n");
}

/* What goes into the dark leaves, and does not arrive; SYNs come again. */
static void
test_dark (void)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (World) w = new_world (lines);

  sim_link_path_set_blackhole (w->path, SIM_DIRECTIONS_BOTH, TRUE);
  world_connect (w, w->path);
  world_advance (w, MS (1500));
  g_assert_cmpstr (lines->str, ==, "0 1 up syn leaves\n1000000 1 up syn leaves\n");
}

static void
test_corrupt (void)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (World) w = new_world (lines);
  User *server, *client = world_connect_both (w, &server);

  sim_link_path_corrupt (w->path, SIM_DIRECTIONS_UP, 1);
  g_string_truncate (lines, 0);
  user_send_message (client, 0, 990);
  world_run (w);
  g_assert_cmpstr (lines->str, ==,
                   "31000 1 up frame leaves 990\n"
                   "41000 1 up frame arrives 990 corrupt\n"
                   "41000 1 down rst leaves\n"
                   "51000 1 down rst arrives\n");
  user_expect_failed (server, CAIMAN_REASON_LINK_FRAME_ERROR, MS (41));
}

static void
test_off (void)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (World) w = new_world (lines);
  User *server, *client = world_connect_both (w, &server);

  sim_network_set_tap (w->network, NULL, NULL);
  g_string_truncate (lines, 0);
  user_send (client, 0, 975);
  world_run (w);
  g_assert_cmpstr (lines->str, ==, "");
  g_assert_cmpuint (user_count_payloads (server), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/tap/life", test_life);
  g_test_add_func ("/sim/tap/reset", test_reset);
  g_test_add_func ("/sim/tap/refused", test_refused);
  g_test_add_func ("/sim/tap/dark", test_dark);
  g_test_add_func ("/sim/tap/corrupt", test_corrupt);
  g_test_add_func ("/sim/tap/off", test_off);
  return g_test_run ();
}
