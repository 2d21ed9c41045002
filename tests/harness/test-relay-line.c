/* SPDX-License-Identifier: Apache-2.0 */
/* test-relay-line.c - what the relay does to bytes, with the time passed in: rate, delay, queue,
 * order, and each fault. 8 Mbit/s carries a byte per microsecond. */
#include "harness/relay-line.h"

#include <string.h>

#define US(n) ((gint64)(n)*CAIMAN_NS_PER_US)
#define MS(n) ((gint64)(n)*CAIMAN_NS_PER_MS)

typedef struct {
  SimPathConfig config;
  RelayBottleneck *bottleneck;
  RelayLine *line, *other;
  gint64 now_ns;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  sim_path_config_init (&f->config);
  f->config.rate_bps = 8000000;
  f->config.delay_ns = MS (10);
  f->config.queue = (SimQueueLimit) { SIM_QUEUE_TIME, MS (50) };
  f->bottleneck = relay_bottleneck_new (&f->config, 1, "wifi", SIM_DIRECTION_UP);
  f->line = relay_line_new (f->bottleneck);
  f->other = relay_line_new (f->bottleneck);
  f->now_ns = MS (1000);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  relay_line_free (f->line);
  relay_line_free (f->other);
  relay_bottleneck_free (f->bottleneck);
}

static void
go (Fixture *f, gint64 time_ns)
{
  f->now_ns += time_ns;
  relay_bottleneck_advance (f->bottleneck, f->now_ns);
}

static void
put (Fixture *f, RelayLine *line, gsize size, char fill)
{
  g_autofree guint8 *bytes = g_malloc (size);

  memset (bytes, fill, size);
  relay_line_put (line, bytes, size, f->now_ns);
  go (f, 0);
}

/* Takes all DATA that has arrived, each byte of which must be @fill. */
static gsize
take (Fixture *f, RelayLine *line, char fill)
{
  const guint8 *data;
  gsize size, total = 0;

  while (relay_line_peek (line, f->now_ns, &data, &size) == RELAY_DATA) {
    for (gsize i = 0; i < size; i++)
      g_assert_cmpint (data[i], ==, fill);
    relay_line_take (line, size);
    total += size;
  }
  return total;
}

static void
expect_arrival (Fixture *f, RelayLine *line, RelayArrival kind)
{
  const guint8 *data;
  gsize size;

  g_assert_cmpint (relay_line_peek (line, f->now_ns, &data, &size), ==, kind);
  if (kind != RELAY_NOTHING && kind != RELAY_DATA)
    relay_line_take (line, 0);
}

/* The first segment of 1 448 bytes is out after 1 448 us and arrives 10 ms later. */
static void
test_rate_and_delay (Fixture *f, gconstpointer data)
{
  put (f, f->line, 4000, 'a');
  g_assert_cmpint (relay_bottleneck_get_deadline (f->bottleneck), ==, f->now_ns + US (1448));
  g_assert_cmpint (relay_line_get_arrival (f->line), ==, CAIMAN_TIME_NEVER);
  go (f, US (1448));
  g_assert_cmpint (relay_line_get_arrival (f->line), ==, f->now_ns + MS (10));
  g_assert_cmpuint (relay_line_get_waiting (f->line), ==, 4000 - 1448);
  go (f, MS (10) - 1);
  expect_arrival (f, f->line, RELAY_NOTHING);
  go (f, 1);
  g_assert_cmpuint (take (f, f->line, 'a'), ==, 1448);
  go (f, US (4000 - 1448));
  g_assert_cmpuint (take (f, f->line, 'a'), ==, 4000 - 1448);
  g_assert_cmpuint (relay_bottleneck_get_bytes (f->bottleneck), ==, 4000);
  g_assert_cmpint (relay_bottleneck_get_deadline (f->bottleneck), ==, CAIMAN_TIME_NEVER);
}

/* A caller that comes late finds all where it would have been. */
static void
test_catches_up (Fixture *f, gconstpointer data)
{
  put (f, f->line, 30000, 'a');
  go (f, MS (25));
  g_assert_cmpuint (take (f, f->line, 'a'), ==, 15000 / 1448 * 1448);
  go (f, MS (15));
  g_assert_cmpuint (take (f, f->line, 'a'), ==, 30000 - 15000 / 1448 * 1448);
}

/* Bytes that were there before there was room for them go on where the last ones ended, those that
 * come later begin when they come; never is the rate exceeded. */
static void
test_since (Fixture *f, gconstpointer data)
{
  gint64 start_ns = f->now_ns;
  guint8 bytes[1000] = { 0 };

  put (f, f->line, 1000, 'a');
  go (f, MS (3));
  relay_line_put (f->line, bytes, sizeof bytes, start_ns);
  go (f, 0);
  g_assert_cmpuint (relay_line_get_waiting (f->line), ==, 0);
  relay_line_put (f->line, bytes, sizeof bytes, f->now_ns);
  go (f, 0);
  g_assert_cmpint (relay_bottleneck_get_deadline (f->bottleneck), ==, f->now_ns + MS (1));
}

static void
test_unlimited (Fixture *f, gconstpointer data)
{
  f->config.rate_bps = SIM_RATE_UNLIMITED;
  f->config.delay_ns = 0;
  relay_bottleneck_set_config (f->bottleneck, &f->config, f->now_ns);
  put (f, f->line, 1000000, 'a');
  g_assert_cmpuint (take (f, f->line, 'a'), ==, 1000000);
  g_assert_cmpint (relay_get_queue_limit (&f->config), ==, 256 * 1024);
}

/* Two connections share the rate, in the order in which they came. */
static void
test_shared (Fixture *f, gconstpointer data)
{
  put (f, f->line, 1000, 'a');
  put (f, f->other, 1000, 'b');
  put (f, f->line, 1000, 'a');
  go (f, MS (12));
  g_assert_cmpuint (take (f, f->line, 'a'), ==, 1000);
  g_assert_cmpuint (take (f, f->other, 'b'), ==, 1000);
  go (f, MS (1));
  g_assert_cmpuint (take (f, f->line, 'a'), ==, 1000);
}

static void
test_room (Fixture *f, gconstpointer data)
{
  relay_line_set_limit (f->line, 5000);
  g_assert_cmpuint (relay_line_get_room (f->line), ==, 5000);
  put (f, f->line, 4999, 'a');
  g_assert_cmpuint (relay_line_get_room (f->line), ==, 1);
  put (f, f->line, 100, 'a');
  g_assert_cmpuint (relay_line_get_room (f->line), ==, 0);
  go (f, US (1448));
  g_assert_cmpuint (relay_line_get_room (f->line), ==, 5000 - (5099 - 1448));
}

static void
test_queue_limit (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (relay_get_queue_limit (&f->config), ==, 50000);
  f->config.queue.value = MS (1);
  g_assert_cmpint (relay_get_queue_limit (&f->config), ==, 16 * 1024);
  f->config.queue = (SimQueueLimit) { SIM_QUEUE_BYTES, 20000 };
  g_assert_cmpint (relay_get_queue_limit (&f->config), ==, 20000);
}

/* With jitter nothing overtakes, and nothing is lost. */
static void
test_jitter (Fixture *f, gconstpointer data)
{
  gint64 last_ns = 0;

  f->config.jitter = (SimDist) { .kind = SIM_DIST_UNIFORM, .scale_ns = MS (9) };
  relay_bottleneck_set_config (f->bottleneck, &f->config, f->now_ns);
  put (f, f->line, 100000, 'a');
  for (gsize taken = 0; taken < 100000;) {
    go (f, US (100));
    gint64 arrival_ns = relay_line_get_arrival (f->line);
    if (arrival_ns != CAIMAN_TIME_NEVER) {
      g_assert_cmpint (arrival_ns, >=, last_ns);
      last_ns = arrival_ns;
    }
    taken += take (f, f->line, 'a');
    g_assert_cmpint (f->now_ns, <, MS (1000 + 100 + 20));
  }
}

/* Half a segment is out when the rate doubles: the rest takes half its time. */
static void
test_set_rate (Fixture *f, gconstpointer data)
{
  put (f, f->line, 1000, 'a');
  go (f, US (500));
  f->config.rate_bps *= 2;
  f->config.delay_ns = MS (20);
  relay_bottleneck_set_config (f->bottleneck, &f->config, f->now_ns);
  g_assert_cmpint (relay_bottleneck_get_deadline (f->bottleneck), ==, f->now_ns + US (250));
  go (f, US (250));
  g_assert_cmpint (relay_line_get_arrival (f->line), ==, f->now_ns + MS (20));
  g_assert_cmpint (relay_bottleneck_get_config (f->bottleneck)->rate_bps, ==, 16000000);
}

/* Nothing leaves, what is on its way arrives; there is nothing to catch up with afterwards. */
static void
test_pause (Fixture *f, gconstpointer data)
{
  put (f, f->line, 3000, 'a');
  go (f, US (1448));
  relay_bottleneck_set_paused (f->bottleneck, TRUE, f->now_ns);
  relay_bottleneck_set_paused (f->bottleneck, TRUE, f->now_ns);
  g_assert_true (relay_bottleneck_swallows (f->bottleneck));
  g_assert_false (relay_bottleneck_has_swallowed (f->bottleneck, f->now_ns));
  g_assert_cmpint (relay_bottleneck_get_deadline (f->bottleneck), ==, CAIMAN_TIME_NEVER);
  go (f, MS (100));
  g_assert_cmpuint (take (f, f->line, 'a'), ==, 1448);
  relay_bottleneck_set_paused (f->bottleneck, FALSE, f->now_ns);
  g_assert_cmpint (relay_bottleneck_get_deadline (f->bottleneck), ==, f->now_ns + US (1448));
}

/* What should have arrived in a blackhole arrives when it ends, at once. */
static void
test_dark (Fixture *f, gconstpointer data)
{
  gint64 sent_ns = f->now_ns;

  put (f, f->line, 3000, 'a');
  go (f, US (1448));
  relay_bottleneck_set_dark (f->bottleneck, TRUE, f->now_ns);
  g_assert_true (relay_bottleneck_swallows (f->bottleneck));
  g_assert_true (relay_bottleneck_has_swallowed (f->bottleneck, sent_ns));
  g_assert_cmpint (relay_line_get_arrival (f->line), ==, CAIMAN_TIME_NEVER);
  go (f, MS (100));
  expect_arrival (f, f->line, RELAY_NOTHING);
  relay_bottleneck_set_dark (f->bottleneck, FALSE, f->now_ns);
  g_assert_true (relay_bottleneck_has_swallowed (f->bottleneck, sent_ns));
  g_assert_false (relay_bottleneck_has_swallowed (f->bottleneck, f->now_ns));
  g_assert_cmpuint (take (f, f->line, 'a'), ==, 1448);
  go (f, US (3000 - 1448) + MS (10));
  g_assert_cmpuint (take (f, f->line, 'a'), ==, 3000 - 1448);
}

/* What had arrived before it is not touched. */
static void
test_dark_after_arrival (Fixture *f, gconstpointer data)
{
  put (f, f->line, 1000, 'a');
  go (f, MS (11));
  go (f, MS (1));
  relay_bottleneck_set_dark (f->bottleneck, TRUE, f->now_ns);
  g_assert_cmpuint (take (f, f->line, 'a'), ==, 1000);
}

static void
test_fin (Fixture *f, gconstpointer data)
{
  relay_line_put_open (f->line, f->now_ns);
  put (f, f->line, 1000, 'a');
  relay_line_put_fin (f->line, f->now_ns);
  go (f, MS (10));
  expect_arrival (f, f->line, RELAY_OPEN);
  expect_arrival (f, f->line, RELAY_NOTHING);
  go (f, MS (1));
  g_assert_cmpuint (take (f, f->line, 'a'), ==, 1000);
  expect_arrival (f, f->line, RELAY_FIN);
  expect_arrival (f, f->line, RELAY_NOTHING);
}

/* A reset comes behind what is in flight and drops what waits; the next line's turn begins. */
static void
test_reset (Fixture *f, gconstpointer data)
{
  put (f, f->line, 3000, 'a');
  put (f, f->other, 1000, 'b');
  go (f, US (1448));
  relay_line_put_reset (f->line, f->now_ns);
  g_assert_cmpuint (relay_line_get_waiting (f->line), ==, 0);
  go (f, 0);
  g_assert_cmpint (relay_bottleneck_get_deadline (f->bottleneck), ==, f->now_ns + MS (1));
  go (f, MS (10));
  g_assert_cmpuint (take (f, f->line, 'a'), ==, 1448);
  expect_arrival (f, f->line, RELAY_RESET);
  go (f, MS (1));
  g_assert_cmpuint (take (f, f->other, 'b'), ==, 1000);
}

/* Nothing leaves a line that is stuck, and nothing that is on its way arrives. */
static void
test_stuck (Fixture *f, gconstpointer data)
{
  put (f, f->line, 3000, 'a');
  put (f, f->other, 1000, 'b');
  go (f, US (1448));
  relay_line_stick (f->line);
  relay_line_put_reset (f->line, f->now_ns);
  put (f, f->line, 2000, 'a');
  go (f, MS (100));
  expect_arrival (f, f->line, RELAY_NOTHING);
  g_assert_cmpuint (relay_line_get_waiting (f->line), ==, 2000);
  g_assert_cmpuint (take (f, f->other, 'b'), ==, 1000);
}

/* While nobody takes what arrives, only so much leaves; then it goes on from there at the rate. */
static void
test_blocked (Fixture *f, gconstpointer data)
{
  relay_line_set_blocked (f->line, TRUE, 3000);
  put (f, f->line, 10000, 'a');
  go (f, MS (100));
  g_assert_cmpuint (relay_line_get_waiting (f->line), ==, 10000 - 2 * 1448);
  g_assert_cmpint (relay_bottleneck_get_deadline (f->bottleneck), ==, CAIMAN_TIME_NEVER);
  g_assert_cmpuint (take (f, f->line, 'a'), ==, 2 * 1448);
  relay_line_set_blocked (f->line, FALSE, 0);
  go (f, 0);
  g_assert_cmpint (relay_bottleneck_get_deadline (f->bottleneck), ==, f->now_ns + US (1448));
}

/* One segment passes however little is allowed. */
static void
test_blocked_empty (Fixture *f, gconstpointer data)
{
  relay_line_set_blocked (f->line, TRUE, 0);
  put (f, f->line, 10000, 'a');
  go (f, MS (100));
  g_assert_cmpuint (relay_line_get_waiting (f->line), ==, 10000 - 1448);
}

/* Frames are followed from the begin of the line, whatever was put in one piece. */
static void
test_corrupt (Fixture *f, gconstpointer data)
{
  static const guint8 frame[14] = { 0, 0, 0, 4 };
  const guint8 *out;
  gsize size;

  relay_line_put (f->line, frame, sizeof frame, f->now_ns);
  relay_bottleneck_corrupt (f->bottleneck, 1);
  relay_line_put (f->line, frame, sizeof frame, f->now_ns);
  go (f, MS (50));
  g_assert_cmpint (relay_line_peek (f->line, f->now_ns, &out, &size), ==, RELAY_DATA);
  g_assert_cmpuint (size, ==, 2 * sizeof frame);
  g_assert_cmpint (memcmp (out, frame, sizeof frame), !=, 0);
  g_assert_cmpint (memcmp (out + sizeof frame, frame, sizeof frame), ==, 0);
}

/* The ring wraps and grows without a byte out of place. */
static void
test_ring (Fixture *f, gconstpointer data)
{
  guint8 put_byte = 0, taken_byte = 0;
  gsize taken = 0;

  for (guint round = 0; round < 300; round++) {
    guint8 bytes[997];
    gsize n = 1 + round * 31 % sizeof bytes;
    for (gsize i = 0; i < n; i++)
      bytes[i] = put_byte++;
    relay_line_put (f->line, bytes, n, f->now_ns);
    go (f, US (round % 3 == 0 ? 100 : 700));
    const guint8 *out;
    gsize size;
    while (relay_line_peek (f->line, f->now_ns, &out, &size) == RELAY_DATA) {
      size = MIN (size, 333);
      for (gsize i = 0; i < size; i++)
        g_assert_cmpuint (out[i], ==, taken_byte++);
      relay_line_take (f->line, size);
      taken += size;
    }
  }
  g_assert_cmpuint (taken, >, 50000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func)                                                                            \
  g_test_add ("/harness/relay-line/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("rate-and-delay", test_rate_and_delay);
  ADD ("catches-up", test_catches_up);
  ADD ("since", test_since);
  ADD ("unlimited", test_unlimited);
  ADD ("shared", test_shared);
  ADD ("room", test_room);
  ADD ("queue-limit", test_queue_limit);
  ADD ("jitter", test_jitter);
  ADD ("set-rate", test_set_rate);
  ADD ("pause", test_pause);
  ADD ("dark", test_dark);
  ADD ("dark-after-arrival", test_dark_after_arrival);
  ADD ("fin", test_fin);
  ADD ("reset", test_reset);
  ADD ("stuck", test_stuck);
  ADD ("blocked", test_blocked);
  ADD ("blocked-empty", test_blocked_empty);
  ADD ("corrupt", test_corrupt);
  ADD ("ring", test_ring);
  return g_test_run ();
}
