/* SPDX-License-Identifier: Apache-2.0 */
/* test-ideal.c - the fluid bound against rows of the evaluation matrix, worked out by hand. */
#include "harness/ideal.h"

#define MBIT     G_GINT64_CONSTANT (1000000)
#define MB       G_GINT64_CONSTANT (1000000)
#define MS(n)    ((n)*CAIMAN_NS_PER_MS)
#define S(n)     ((n)*CAIMAN_NS_PER_S)
#define NO_LIMIT G_MAXINT64
#define HORIZON  S (1000)

/* A link that never changes. @step is its storage. */
static IdealLink
make_link (IdealStep *step, gint64 rate_bps, gint64 delay_ns)
{
  *step = (IdealStep) { 0, rate_bps, delay_ns };
  return (IdealLink) { .steps = step,
                       .n_steps = 1,
                       .back_delay_ns = delay_ns,
                       .quota_bytes = NO_LIMIT,
                       .quota_period_ns = S (1),
                       .window_bytes = NO_LIMIT };
}

static gint64
time_of (const IdealLink *links, gsize n_links, gint64 bytes)
{
  return ideal_get_time (links, n_links, 0, bytes, NO_LIMIT, HORIZON);
}

/* 800 Mbit over @n links: T is the sum of rate x (T - delay) = 800 Mbit, solved for T. */
static void
test_matrix_rows (void)
{
  IdealStep steps[8];
  IdealLink links[8];
  for (guint i = 0; i < 2; i++)
    links[i] = make_link (&steps[i], 50 * MBIT, MS (10));
  g_assert_cmpint (time_of (links, 2, 100 * MB), ==, MS (8010)); /* row 1 */
  for (guint i = 0; i < 8; i++)
    links[i] = make_link (&steps[i], 12500000, MS (10));
  g_assert_cmpint (time_of (links, 8, 100 * MB), ==, MS (8010)); /* row 2 */
  links[0] = make_link (&steps[0], 50 * MBIT, MS (10));
  links[1] = make_link (&steps[1], 50 * MBIT, MS (50));
  g_assert_cmpint (time_of (links, 2, 100 * MB), ==, MS (8030)); /* row 3 */
  links[0] = make_link (&steps[0], 80 * MBIT, MS (10));
  links[1] = make_link (&steps[1], 20 * MBIT, MS (100));
  g_assert_cmpint (time_of (links, 2, 100 * MB), ==, MS (8028)); /* row 5 */
}

/* Row 10: one of 2 x 50 Mbit/s is dark from 4 s to 9 s. 4 s x 100 + 5 s x 50 + the last 150 Mbit
 * at 100 = 10.5 s, and the delay. */
static void
test_dark_link (void)
{
  IdealStep steady,
      steps[] = { { 0, 50 * MBIT, MS (10) }, { S (4), 0, MS (10) }, { S (9), 50 * MBIT, MS (10) } };
  IdealLink links[] = { make_link (&steady, 50 * MBIT, MS (10)),
                        make_link (&steps[0], 50 * MBIT, MS (10)) };
  links[1].n_steps = G_N_ELEMENTS (steps);
  g_assert_cmpint (time_of (links, 2, 100 * MB), ==, MS (10510));
}

/* A flow that starts at 5 s, when the link is dark until 9 s: 50 until then, 100 after it. */
static void
test_start (void)
{
  IdealStep steady,
      steps[] = { { 0, 50 * MBIT, MS (10) }, { S (4), 0, MS (10) }, { S (9), 50 * MBIT, MS (10) } };
  IdealLink links[] = { make_link (&steady, 50 * MBIT, MS (10)),
                        make_link (&steps[0], 50 * MBIT, MS (10)) };
  links[1].n_steps = G_N_ELEMENTS (steps);
  g_assert_cmpint (ideal_get_time (links, 2, S (5), 100 * MB, NO_LIMIT, HORIZON), ==, MS (10010));
}

/* Row A1: 5 links of 10 MB/s, 1 s one way, windows of 20 MB: 10 MB/s in the long run. Bytes times
 * 2 s of round trip are at most 20 MB x (T + 1 s): 500 MB take 49 s. */
static void
test_connection_window (void)
{
  IdealStep steps[5];
  IdealLink links[5];
  for (guint i = 0; i < 5; i++)
    links[i] = make_link (&steps[i], 80 * MBIT, S (1));
  g_assert_cmpint (ideal_get_time (links, 5, 0, 500 * MB, 20 * MB, HORIZON), ==, S (49));
  /* With 256 MiB it is the links that bound it: 50 MB/s. */
  g_assert_cmpint (ideal_get_time (links, 5, 0, 1000 * MB, 268435456, HORIZON), ==, S (21));
}

/* The window goes to the short link first, and what is left of it to the long one: it is full with
 * 1 MB per 20 ms on the first (400 Mbit/s of its 800). */
static void
test_window_prefers_short_links (void)
{
  IdealStep steps[2];
  IdealLink links[] = { make_link (&steps[0], 800 * MBIT, MS (10)),
                        make_link (&steps[1], 800 * MBIT, MS (500)) };
  gint64 alone = ideal_get_time (links, 1, 0, 100 * MB, 1 * MB, HORIZON);
  gint64 both = ideal_get_time (links, 2, 0, 100 * MB, 1 * MB, HORIZON);
  g_assert_cmpint (alone, ==, MS (1990)); /* 100 x 20 ms, less the last way back of 10 ms */
  g_assert_cmpint (both, <=, alone);
  g_assert_cmpint (both, >=, alone - MS (500));
}

/* 1 MB in flight on a link of 20 ms: 50 MB/s of its 100. */
static void
test_link_window (void)
{
  IdealStep step;
  IdealLink link = make_link (&step, 800 * MBIT, MS (10));
  link.window_bytes = 1 * MB;
  g_assert_cmpint (time_of (&link, 1, 100 * MB), ==, MS (1990));
  link.window_bytes = 100 * MB;
  g_assert_cmpint (time_of (&link, 1, 100 * MB), ==, MS (1010));
}

/* 1 MB a second of a link that could carry 10. */
static void
test_quota (void)
{
  IdealStep step;
  IdealLink link = make_link (&step, 80 * MBIT, 0);
  link.quota_bytes = 1 * MB;
  g_assert_cmpint (time_of (&link, 1, 1 * MB), ==, MS (100));
  g_assert_cmpint (time_of (&link, 1, 5 * MB), ==, MS (4100));
  g_assert_cmpint (time_of (&link, 1, 5 * MB + MB / 2), ==, MS (5050));
  /* From 0.95 s on: half a MB is left in this period's time, then a whole one in the next. */
  g_assert_cmpint (ideal_get_time (&link, 1, MS (950), MB + MB / 2, NO_LIMIT, HORIZON), ==,
                   MS (150));
  /* Periods go on over a change of rate. */
  IdealStep steps[] = { { 0, 80 * MBIT, 0 }, { MS (50), 40 * MBIT, 0 }, { S (3), 80 * MBIT, 0 } };
  link.steps = steps;
  link.n_steps = G_N_ELEMENTS (steps);
  g_assert_cmpint (time_of (&link, 1, 1 * MB), ==, MS (150));
  g_assert_cmpint (time_of (&link, 1, 2 * MB), ==, MS (1200));
  g_assert_cmpint (time_of (&link, 1, 4 * MB), ==, MS (3100));
}

/* A longer delay from 1 s on holds back what is sent from then on alone. */
static void
test_delay_changes (void)
{
  IdealStep steps[] = { { 0, 8 * MBIT, MS (10) }, { S (1), 8 * MBIT, MS (500) } };
  IdealLink link = make_link (&steps[0], 8 * MBIT, MS (10));
  steps[0] = (IdealStep) { 0, 8 * MBIT, MS (10) };
  link.n_steps = 2;
  g_assert_cmpint (time_of (&link, 1, 1 * MB), ==, MS (1010));
  g_assert_cmpint (time_of (&link, 1, 2 * MB), ==, MS (2500));
}

static void
test_never (void)
{
  IdealStep step;
  IdealLink link = make_link (&step, 8 * MBIT, MS (10));
  g_assert_cmpint (ideal_get_time (&link, 1, 0, MB, NO_LIMIT, S (1)), ==, CAIMAN_TIME_NEVER);
  g_assert_cmpint (ideal_get_time (&link, 1, 0, MB, NO_LIMIT, MS (1010)), ==, MS (1010));
  step.rate_bps = 0;
  g_assert_cmpint (ideal_get_time (&link, 1, 0, 1, NO_LIMIT, HORIZON), ==, CAIMAN_TIME_NEVER);
  g_assert_cmpint (ideal_get_time (&link, 1, 0, 0, MB, HORIZON), ==, 0);
  g_assert_cmpint (ideal_get_time (NULL, 0, 0, 1, NO_LIMIT, HORIZON), ==, CAIMAN_TIME_NEVER);
  link.n_steps = 0;
  g_assert_cmpint (ideal_get_time (&link, 1, 0, 1, MB, HORIZON), ==, CAIMAN_TIME_NEVER);
}

/* Unlimited links and the longest runs stay within 128 bits. */
static void
test_extremes (void)
{
  IdealStep steps[256];
  IdealLink links[256];
  gint64 long_ns = G_GINT64_CONSTANT (36000000) * CAIMAN_NS_PER_S;
  for (guint i = 0; i < 256; i++)
    links[i] = make_link (&steps[i], G_MAXINT64, MS (10));
  gint64 bytes = G_GINT64_CONSTANT (1000000000000000);
  g_assert_cmpint (ideal_get_time (links, 256, 0, bytes, NO_LIMIT, long_ns), ==, MS (10) + 3389);
  g_assert_cmpint (ideal_get_time (links, 256, 0, bytes, bytes, long_ns), ==, MS (10) + 3389);
  g_assert_true (ideal_integrate (steps, 1, 0, long_ns) == (__int128)G_MAXINT64 * long_ns);
  g_assert_true (ideal_integrate (steps, 1, S (2), S (1)) == 0);
}

/* Two links of 80 Mbit/s behind one of 100: 12.5 MB/s together. The shorter one is used first when
 * a window counts, and what they do not share is not touched. */
static void
test_shared (void)
{
  IdealStep steps = { .rate_bps = 80000000, .delay_ns = MS (10) };
  IdealStep far = { .rate_bps = 80000000, .delay_ns = MS (60) };
  IdealStep uplink[] = { { .rate_bps = 100000000 }, { .t_ns = S (4), .rate_bps = 50000000 } };
  IdealShared shared = { uplink, 1 };
  IdealLink links[3];

  for (guint i = 0; i < 3; i++)
    links[i] = (IdealLink) { .steps = i == 1 ? &far : &steps,
                             .n_steps = 1,
                             .back_delay_ns = MS (10),
                             .quota_bytes = NO_LIMIT,
                             .quota_period_ns = NO_LIMIT,
                             .window_bytes = NO_LIMIT,
                             .shared = i < 2 ? &shared : NULL };
  g_assert_cmpint (time_of (links, 1, 100 * MB), ==, S (10) + MS (10));
  g_assert_cmpint (time_of (links, 2, 100 * MB), ==, S (8) + MS (10));
  /* The third carries 80 Mbit/s on its own. */
  g_assert_cmpint (time_of (links, 3, 225 * MB), ==, S (10) + MS (10));
  shared.n_steps = 2;
  g_assert_cmpint (time_of (links, 2, 100 * MB), ==, S (12) + MS (10));
  shared.n_steps = 1;
  /* 10 MB/s take 0.2 MB of the window at 20 ms, 2.5 MB/s 0.175 MB at 70 ms. */
  g_assert_cmpint (ideal_get_time (links, 2, 0, 1000 * MB, 375000, HORIZON), <=, S (80) + MS (100));
  g_assert_cmpint (ideal_get_time (links, 2, 0, 1000 * MB, 200000, HORIZON), >, S (99));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/ideal/matrix-rows", test_matrix_rows);
  g_test_add_func ("/harness/ideal/dark-link", test_dark_link);
  g_test_add_func ("/harness/ideal/start", test_start);
  g_test_add_func ("/harness/ideal/connection-window", test_connection_window);
  g_test_add_func ("/harness/ideal/window-prefers-short-links", test_window_prefers_short_links);
  g_test_add_func ("/harness/ideal/link-window", test_link_window);
  g_test_add_func ("/harness/ideal/quota", test_quota);
  g_test_add_func ("/harness/ideal/delay-changes", test_delay_changes);
  g_test_add_func ("/harness/ideal/never", test_never);
  g_test_add_func ("/harness/ideal/extremes", test_extremes);
  g_test_add_func ("/harness/ideal/shared", test_shared);
  return g_test_run ();
}
