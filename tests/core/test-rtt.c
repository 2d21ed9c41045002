/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of core/rtt: RFC 6298, section 2, and the windowed minimum. */
#include "core/rtt.h"

#define MS(n) ((n)*CAIMAN_NS_PER_MS)
#define S(n)  ((n)*CAIMAN_NS_PER_S)

static void
test_no_sample (void)
{
  CaimanRtt rtt;
  caiman_rtt_init (&rtt, S (10));
  g_assert_false (caiman_rtt_has_sample (&rtt));
  g_assert_cmpint (caiman_rtt_get_min (&rtt, S (1)), ==, 0);
  g_assert_cmpint (caiman_rtt_get_timeout (&rtt, MS (30)), ==, 0);
}

/* (2.2): SRTT = R, RTTVAR = R / 2. */
static void
test_first_sample (void)
{
  CaimanRtt rtt;
  caiman_rtt_init (&rtt, S (10));
  caiman_rtt_add (&rtt, MS (100), S (1));
  g_assert_true (caiman_rtt_has_sample (&rtt));
  g_assert_cmpint (rtt.srtt_ns, ==, MS (100));
  g_assert_cmpint (rtt.rttvar_ns, ==, MS (50));
  g_assert_cmpint (rtt.latest_ns, ==, MS (100));
  g_assert_cmpint (caiman_rtt_get_timeout (&rtt, MS (1)), ==, MS (300));
}

/* (2.3): RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R|, then SRTT = 7/8 SRTT + 1/8 R. */
static void
test_later_samples (void)
{
  CaimanRtt rtt;
  caiman_rtt_init (&rtt, S (10));
  caiman_rtt_add (&rtt, MS (80), S (1));
  caiman_rtt_add (&rtt, MS (160), S (2));
  g_assert_cmpint (rtt.rttvar_ns, ==, MS (50));
  g_assert_cmpint (rtt.srtt_ns, ==, MS (90));
  caiman_rtt_add (&rtt, MS (10), S (3));
  g_assert_cmpint (rtt.rttvar_ns, ==, CAIMAN_NS_PER_US * 57500);
  g_assert_cmpint (rtt.srtt_ns, ==, MS (80));
  g_assert_cmpint (rtt.latest_ns, ==, MS (10));
  g_assert_cmpuint (rtt.n_samples, ==, 3);
}

/* A steady RTT leaves the granularity as the only margin. */
static void
test_granularity (void)
{
  CaimanRtt rtt;
  caiman_rtt_init (&rtt, S (10));
  for (int i = 0; i < 200; i++)
    caiman_rtt_add (&rtt, MS (20), MS (20) * i);
  g_assert_cmpint (rtt.srtt_ns, ==, MS (20));
  g_assert_cmpint (rtt.rttvar_ns, <, 10);
  g_assert_cmpint (caiman_rtt_get_timeout (&rtt, MS (30)), ==, MS (50));
}

static void
test_converges (void)
{
  CaimanRtt rtt;
  caiman_rtt_init (&rtt, S (10));
  caiman_rtt_add (&rtt, MS (20), 0);
  for (int i = 1; i < 100; i++)
    caiman_rtt_add (&rtt, MS (300), MS (300) * i);
  g_assert_cmpint (ABS (rtt.srtt_ns - MS (300)), <, MS (1));
}

static void
test_zero_sample (void)
{
  CaimanRtt rtt;
  caiman_rtt_init (&rtt, S (10));
  caiman_rtt_add (&rtt, 0, S (1));
  g_assert_true (caiman_rtt_has_sample (&rtt));
  caiman_rtt_add (&rtt, MS (8), S (1));
  g_assert_cmpint (rtt.srtt_ns, ==, MS (1));
  g_assert_cmpint (caiman_rtt_get_min (&rtt, S (1)), ==, 0);
}

/* PROTOCOL.md, 7: pings replace the RTT. */
static void
test_replace (void)
{
  CaimanRtt rtt;
  caiman_rtt_init (&rtt, S (10));
  caiman_rtt_replace (&rtt, MS (40), 0);
  g_assert_cmpint (rtt.srtt_ns, ==, MS (40));
  g_assert_cmpint (rtt.rttvar_ns, ==, MS (20));
  caiman_rtt_replace (&rtt, MS (120), S (1));
  g_assert_cmpint (rtt.srtt_ns, ==, MS (120));
  g_assert_cmpint (rtt.rttvar_ns, ==, MS (35));
  g_assert_cmpint (caiman_rtt_get_min (&rtt, S (1)), ==, MS (40));
}

/* Half of the window always counts, nothing older than the window does. */
static void
test_min_window (void)
{
  CaimanRtt rtt;
  caiman_rtt_init (&rtt, S (10));
  caiman_rtt_add (&rtt, MS (10), S (100));
  caiman_rtt_add (&rtt, MS (50), S (104));
  g_assert_cmpint (caiman_rtt_get_min (&rtt, S (104)), ==, MS (10));

  /* The second half-window begins; the first one still counts. */
  caiman_rtt_add (&rtt, MS (40), S (106));
  g_assert_cmpint (caiman_rtt_get_min (&rtt, S (106)), ==, MS (10));
  g_assert_cmpint (caiman_rtt_get_min (&rtt, S (109)), ==, MS (10));

  /* From 110 s on the first half-window is too old, with or without another sample. */
  g_assert_cmpint (caiman_rtt_get_min (&rtt, S (110)), ==, MS (40));
  caiman_rtt_add (&rtt, MS (60), S (111));
  g_assert_cmpint (caiman_rtt_get_min (&rtt, S (111)), ==, MS (40));
  caiman_rtt_add (&rtt, MS (70), S (116));
  g_assert_cmpint (caiman_rtt_get_min (&rtt, S (116)), ==, MS (60));
}

/* After a silence longer than the window SRTT stands in. */
static void
test_min_after_silence (void)
{
  CaimanRtt rtt;
  caiman_rtt_init (&rtt, S (10));
  caiman_rtt_add (&rtt, MS (10), 0);
  caiman_rtt_add (&rtt, MS (90), S (1));
  g_assert_cmpint (caiman_rtt_get_min (&rtt, S (30)), ==, MS (20));
  caiman_rtt_add (&rtt, MS (500), S (31));
  g_assert_cmpint (caiman_rtt_get_min (&rtt, S (31)), ==, MS (500));
}

/* Against a list of all samples: never above the minimum of the last half-window, and never a value
 * from before the window. */
static void
test_min_bounds (void)
{
  enum { N = 2000 };
  gint64 samples[N], times[N];
  gint64 now_ns = 0;
  CaimanRtt rtt;
  caiman_rtt_init (&rtt, S (1));
  guint32 noise = 1;

  for (int i = 0; i < N; i++) {
    noise = noise * 1664525u + 1013904223u;
    now_ns += MS (noise >> 26);
    samples[i] = MS (10) + noise % 100000;
    times[i] = now_ns;
    caiman_rtt_add (&rtt, samples[i], now_ns);

    gint64 half_min_ns = CAIMAN_TIME_NEVER, window_min_ns = CAIMAN_TIME_NEVER;
    for (int j = i; j >= 0 && times[j] > now_ns - S (1); j--) {
      window_min_ns = MIN (window_min_ns, samples[j]);
      if (times[j] > now_ns - MS (500))
        half_min_ns = MIN (half_min_ns, samples[j]);
    }
    g_assert_cmpint (caiman_rtt_get_min (&rtt, now_ns), <=, half_min_ns);
    g_assert_cmpint (caiman_rtt_get_min (&rtt, now_ns), >=, window_min_ns);
  }
}

/* The third largest of the last 32, slowly forgotten; outliers that are few do not count. */
static void
test_lone (void)
{
  CaimanRtt rtt;
  caiman_rtt_init (&rtt, S (10));
  caiman_rtt_add_lone (&rtt, MS (70));
  caiman_rtt_add_lone (&rtt, MS (75));
  g_assert_cmpint (caiman_rtt_get_lone (&rtt), ==, 0);
  caiman_rtt_add_lone (&rtt, MS (80));
  g_assert_cmpint (caiman_rtt_get_lone (&rtt), ==, MS (70));
  caiman_rtt_add_lone (&rtt, MS (72));
  g_assert_cmpint (caiman_rtt_get_lone (&rtt), ==, MS (72));
  for (guint i = 0; i < 180; i++)
    caiman_rtt_add_lone (&rtt, MS (20));
  g_assert_cmpint (caiman_rtt_get_lone (&rtt), >, MS (36));
  g_assert_cmpint (caiman_rtt_get_lone (&rtt), <, MS (42));
  for (guint i = 0; i < 500; i++)
    caiman_rtt_add_lone (&rtt, i % 32 < 2 ? S (1) : MS (20));
  g_assert_cmpint (caiman_rtt_get_lone (&rtt), ==, MS (20));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* RFC 6298, 2. */
  g_test_add_func ("/core/rtt/no-sample", test_no_sample);
  g_test_add_func ("/core/rtt/first-sample", test_first_sample);
  g_test_add_func ("/core/rtt/later-samples", test_later_samples);
  g_test_add_func ("/core/rtt/granularity", test_granularity);
  g_test_add_func ("/core/rtt/converges", test_converges);
  g_test_add_func ("/core/rtt/zero-sample", test_zero_sample);
  g_test_add_func ("/core/rtt/replace", test_replace);
  g_test_add_func ("/core/rtt/min-window", test_min_window);
  g_test_add_func ("/core/rtt/min-after-silence", test_min_after_silence);
  g_test_add_func ("/core/rtt/min-bounds", test_min_bounds);
  g_test_add_func ("/core/rtt/lone", test_lone);
  return g_test_run ();
}
