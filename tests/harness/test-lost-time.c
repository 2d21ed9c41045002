/* SPDX-License-Identifier: Apache-2.0 */
/* test-lost-time.c - each cause by itself, and that the parts sum up to the whole. */
#include "harness/lost-time.h"

#define MBIT  G_GINT64_CONSTANT (1000000)
#define MS(n) ((n)*CAIMAN_NS_PER_MS)

/* Bytes that 8 Mbit/s carry in @ms: 1 000 each. */
#define BYTES(ms) ((ms)*1000)

typedef struct {
  LostTime *lost;
  gint64 parts_ns[LOST_N_CAUSES];
} World;

/* Two links of 8 Mbit/s, 10 ms; the clock runs from 0 on. */
static World
make_world (void)
{
  World world = { .lost = lost_time_new (2) };
  for (gsize i = 0; i < 2; i++)
    lost_time_set_capacity (world.lost, i, 8 * MBIT, MS (10), 0);
  lost_time_set_active (world.lost, TRUE, 0);
  return world;
}

/* Keeps link @link in full use from @from_ms to @to_ms. */
static void
fill (World *world, gsize link, gint64 from_ms, gint64 to_ms)
{
  for (gint64 ms = from_ms; ms < to_ms; ms += 10)
    lost_time_sent (world->lost, link, LOST_SENT_PAYLOAD, BYTES (10), MS (ms));
}

static void
fill_both (World *world, gint64 from_ms, gint64 to_ms)
{
  for (gint64 ms = from_ms; ms < to_ms; ms += 10) {
    lost_time_sent (world->lost, 0, LOST_SENT_PAYLOAD, BYTES (10), MS (ms));
    lost_time_sent (world->lost, 1, LOST_SENT_PAYLOAD, BYTES (10), MS (ms));
  }
}

/* Shares 1 s out at @end_ms and frees the world. */
static void
end (World *world, gint64 end_ms)
{
  gint64 sum_ns = 0;
  lost_time_set_active (world->lost, FALSE, MS (end_ms));
  lost_time_share (world->lost, MS (1000), world->parts_ns);
  for (guint i = 0; i < LOST_N_CAUSES; i++) {
    g_assert_cmpint (world->parts_ns[i], >=, 0);
    sum_ns += world->parts_ns[i];
  }
  g_assert_cmpint (sum_ns, ==, MS (1000));
  lost_time_free (world->lost);
}

static void
test_nothing_happens (void)
{
  World world = make_world ();
  end (&world, 0);
  g_assert_cmpint (world.parts_ns[LOST_IDLE], ==, MS (1000));
  world = make_world ();
  lost_time_share (world.lost, -5, world.parts_ns);
  for (guint i = 0; i < LOST_N_CAUSES; i++)
    g_assert_cmpint (world.parts_ns[i], ==, 0);
  lost_time_free (world.lost);
  lost_time_free (NULL);
}

/* The second link is never in full use: all its capacity is lost to its ramp-up. */
static void
test_ramp_up (void)
{
  World world = make_world ();
  fill (&world, 0, 0, 100);
  end (&world, 100);
  g_assert_cmpint (world.parts_ns[LOST_RAMP_UP], ==, MS (1000));
}

/* Both in use, then the second is idle for as long as the first goes on. The 10 ms at the end that
 * no byte could have used do not count. */
static void
test_idle (void)
{
  World world = make_world ();
  fill_both (&world, 0, 100);
  fill (&world, 0, 100, 200);
  end (&world, 210);
  g_assert_cmpint (world.parts_ns[LOST_IDLE], ==, MS (1000));
}

/* Of 300 ms of unused capacity 100 are before the fault is noticed: of both links. */
static void
test_detection (void)
{
  World world = make_world ();
  fill_both (&world, 0, 100);
  lost_time_set_capacity (world.lost, 0, 0, MS (10), MS (100));
  lost_time_fault (world.lost, 0, MS (100));
  lost_time_fault (world.lost, 0, MS (150)); /* the same one, told again */
  lost_time_noticed (world.lost, 0, MS (200));
  lost_time_noticed (world.lost, 0, MS (250));
  fill (&world, 1, 400, 500);
  end (&world, 510);
  /* Idle: 200 to 400 ms on the second link. */
  g_assert_cmpint (world.parts_ns[LOST_DETECTION], ==, MS (1000) / 3);
  g_assert_cmpint (world.parts_ns[LOST_RAMP_UP], ==, 0);
  g_assert_cmpint (world.parts_ns[LOST_DETECTION] + world.parts_ns[LOST_IDLE], ==, MS (1000));
}

/* Nothing is delivered while something waits behind a gap; then it moves again, with the same
 * amount waiting. */
static void
test_head_of_line (void)
{
  World world = make_world ();
  fill_both (&world, 0, 100);
  lost_time_delivered (world.lost, MS (100));
  lost_time_set_reorder (world.lost, 5000, MS (100));
  for (gint64 ms = 110; ms <= 200; ms += 10)
    lost_time_set_reorder (world.lost, 5000, MS (ms));
  for (gint64 ms = 200; ms < 300; ms += 10)
    lost_time_delivered (world.lost, MS (ms));
  lost_time_set_reorder (world.lost, 0, MS (300));
  fill_both (&world, 300, 310);
  end (&world, 320);
  /* 90 of 200 ms: in the first of the stalled intervals something was delivered. */
  g_assert_cmpint (world.parts_ns[LOST_HEAD_OF_LINE], ==, MS (450));
}

/* A tenth of what is carried is sent again and a tenth is framing, with nothing unused. */
static void
test_resend_and_framing (void)
{
  World world = make_world ();
  for (gint64 ms = 0; ms < 100; ms += 10) {
    for (gsize link = 0; link < 2; link++) {
      lost_time_sent (world.lost, link, LOST_SENT_PAYLOAD, BYTES (8), MS (ms));
      lost_time_sent (world.lost, link, LOST_SENT_AGAIN, BYTES (1), MS (ms));
      lost_time_sent (world.lost, link, LOST_SENT_FRAMING, BYTES (1), MS (ms));
    }
  }
  g_assert_cmpint (lost_time_get_framing_bytes (world.lost), ==, BYTES (20));
  end (&world, 100);
  g_assert_cmpint (world.parts_ns[LOST_RESEND], ==, MS (500));
  g_assert_cmpint (world.parts_ns[LOST_FRAMING], ==, MS (500));
}

/* What was given to a link that died is not carried by it: it is unused from then on. */
static void
test_dropped (void)
{
  World world = make_world ();
  fill_both (&world, 0, 100);
  lost_time_sent (world.lost, 0, LOST_SENT_PAYLOAD, BYTES (1000), MS (100));
  lost_time_dropped (world.lost, 0, MS (100));
  fill (&world, 1, 100, 200);
  end (&world, 200);
  g_assert_cmpint (world.parts_ns[LOST_IDLE], ==, MS (1000));
}

/* Only while the clock runs anything is lost. */
static void
test_inactive (void)
{
  World world = make_world ();
  fill_both (&world, 0, 100);
  lost_time_set_active (world.lost, FALSE, MS (100));
  lost_time_sent (world.lost, 0, LOST_SENT_AGAIN, BYTES (100), MS (200));
  lost_time_share (world.lost, MS (1000), world.parts_ns);
  g_assert_cmpint (world.parts_ns[LOST_RESEND], ==, 0);
  end (&world, 400);
}

static void
test_unlimited (void)
{
  World world = make_world ();
  lost_time_set_capacity (world.lost, 0, G_MAXINT64, MS (10), 0);
  fill (&world, 0, 0, 100);
  end (&world, G_GINT64_CONSTANT (36000000) * 1000);
  g_assert_cmpint (world.parts_ns[LOST_RAMP_UP], >, MS (999));
}

static void
test_names (void)
{
  g_assert_cmpstr (lost_cause_to_string (LOST_RAMP_UP), ==, "ramp-up");
  g_assert_cmpstr (lost_cause_to_string (LOST_IDLE), ==, "idle");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/lost-time/nothing-happens", test_nothing_happens);
  g_test_add_func ("/harness/lost-time/ramp-up", test_ramp_up);
  g_test_add_func ("/harness/lost-time/idle", test_idle);
  g_test_add_func ("/harness/lost-time/detection", test_detection);
  g_test_add_func ("/harness/lost-time/head-of-line", test_head_of_line);
  g_test_add_func ("/harness/lost-time/resend-and-framing", test_resend_and_framing);
  g_test_add_func ("/harness/lost-time/dropped", test_dropped);
  g_test_add_func ("/harness/lost-time/inactive", test_inactive);
  g_test_add_func ("/harness/lost-time/unlimited", test_unlimited);
  g_test_add_func ("/harness/lost-time/names", test_names);
  return g_test_run ();
}
