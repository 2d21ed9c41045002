/* SPDX-License-Identifier: Apache-2.0 */
/* test-tcp-parts.c - the scoreboard against a plain list, the sliding best, RTT and RTO, the stream
 * of frames. */
#include "sim/tcp-private.h"
#include "sim/tcp-stream.h"

#define MS(n)  ((n)*CAIMAN_NS_PER_MS)
#define SEC(n) ((n)*CAIMAN_NS_PER_S)

/* --- Scoreboard --- */

typedef struct {
  gint64 end;
  guint32 flags;
} Plain;

static void
expect_same (SimTcpScoreboard *board, const Plain *plain)
{
  guint n_sacked = 0, n_lost = 0, n_resent = 0, n_listed = 0, n_borders = 0;
  gint64 first_lost = board->tail;
  gint64 last_ns = G_MININT64;

  for (gint64 p = board->head; p < board->tail; p++) {
    guint32 flags = plain[p].flags;
    g_assert_cmpint (sim_tcp_scoreboard_at (board, p)->end, ==, plain[p].end);
    n_sacked += !!(flags & SIM_TCP_SENT_SACKED);
    n_lost += !!(flags & SIM_TCP_SENT_LOST);
    n_resent += !!(flags & SIM_TCP_SENT_RESENT);
    n_borders += p > board->head && ((flags ^ plain[p - 1].flags) & SIM_TCP_SENT_SACKED);
    if ((flags & SIM_TCP_SENT_LOST) && !(flags & SIM_TCP_SENT_RESENT))
      first_lost = MIN (first_lost, p);
  }
  g_assert_cmpuint (board->n_sacked, ==, n_sacked);
  g_assert_cmpuint (board->n_lost, ==, n_lost);
  g_assert_cmpuint (board->n_resent, ==, n_resent);
  g_assert_cmpuint (board->n_borders, ==, n_borders);
  g_assert_cmpint (sim_tcp_scoreboard_find_lost (board), ==, first_lost);
  for (gint64 p = board->oldest; p >= 0; p = sim_tcp_scoreboard_at (board, p)->later) {
    g_assert_cmpint (sim_tcp_scoreboard_at (board, p)->sent_ns, >=, last_ns);
    last_ns = sim_tcp_scoreboard_at (board, p)->sent_ns;
    n_listed++;
  }
  g_assert_cmpuint (n_listed, <=, sim_tcp_scoreboard_get_out (board) - n_sacked);
}

static void
mark_randomly (SimTcpScoreboard *board, Plain *plain, CaimanPrng *prng, gint64 now_ns)
{
  gint64 p = caiman_prng_range (prng, board->head, board->tail - 1);
  guint32 *flags = &plain[p].flags;

  if (*flags & SIM_TCP_SENT_SACKED) {
    gint64 end = p;
    while (end < board->tail && (plain[end].flags & SIM_TCP_SENT_SACKED))
      end++;
    g_assert_cmpint (sim_tcp_scoreboard_skip_sacked (board, p), ==, end);
    return;
  }
  switch (caiman_prng_below (prng, 3)) {
  case 0:
    sim_tcp_scoreboard_mark_sacked (board, p);
    *flags = SIM_TCP_SENT_SACKED;
    break;
  case 1:
    g_assert_cmpint (sim_tcp_scoreboard_mark_lost (board, p), ==, !(*flags & SIM_TCP_SENT_LOST));
    *flags = SIM_TCP_SENT_LOST;
    break;
  default:
    sim_tcp_scoreboard_mark_resent (board, p, now_ns);
    *flags |= SIM_TCP_SENT_RESENT;
    break;
  }
}

static void
test_scoreboard (void)
{
  for (guint seed = 0; seed < 50; seed++) {
    g_autofree Plain *plain = g_new0 (Plain, 10000);
    SimTcpScoreboard board;
    CaimanPrng prng;
    gint64 seq = 0;

    caiman_prng_init (&prng, seed);
    sim_tcp_scoreboard_init (&board);
    for (guint step = 0; step < 3000; step++) {
      guint out = sim_tcp_scoreboard_get_out (&board);
      guint64 what = caiman_prng_below (&prng, 10);
      if (what < 4 || out == 0) {
        gint64 end = seq + caiman_prng_range (&prng, 1, 1448);
        plain[board.tail] = (Plain) { end, 0 };
        sim_tcp_scoreboard_push (&board, seq, end, step);
        seq = end;
      } else if (what < 6 && out > 20) {
        sim_tcp_scoreboard_pop (&board);
      } else {
        mark_randomly (&board, plain, &prng, step);
      }
      gint64 sought = caiman_prng_range (&prng, 0, seq), position = board.head;
      while (position < board.tail && plain[position].end <= sought)
        position++;
      g_assert_cmpint (sim_tcp_scoreboard_find (&board, sought), ==, position);
      expect_same (&board, plain);
    }
    sim_tcp_scoreboard_forget_losses (&board);
    g_assert_cmpuint (board.n_lost, ==, 0);
    sim_tcp_scoreboard_clear (&board);
  }
}

/* --- The sliding best --- */

/* Never better than all of the window's samples, never older than the window. */
static void
test_filter (void)
{
  gint64 values[2000];
  SimTcpFilter max, min;
  CaimanPrng prng;

  caiman_prng_init (&prng, 1);
  for (gint64 i = 0; i < 2000; i++) {
    values[i] = caiman_prng_range (&prng, 1, 1000);
    if (i == 0) {
      sim_tcp_filter_reset (&max, values[0], 0);
      sim_tcp_filter_reset (&min, values[0], 0);
      continue;
    }
    sim_tcp_filter_add_max (&max, 50, values[i], i);
    sim_tcp_filter_add_min (&min, 50, values[i], i);
    g_assert_cmpint (i - max.when[0], <=, 50);
    g_assert_cmpint (i - min.when[0], <=, 50);
    for (gint64 k = MAX (i - 12, 0); k <= i; k++) {
      /* A quarter of the window is covered for certain. */
      g_assert_cmpint (max.value[0], >=, values[k]);
      g_assert_cmpint (min.value[0], <=, values[k]);
    }
  }
}

/* --- RTT --- */

static void
test_rtt (void)
{
  SimTcpRtt rtt;

  sim_tcp_rtt_init (&rtt);
  g_assert_cmpint (rtt.rto_ns, ==, SEC (1));
  sim_tcp_rtt_add (&rtt, MS (40), 0, 0);
  g_assert_cmpint (rtt.srtt_ns, ==, MS (40));
  g_assert_cmpint (rtt.rto_ns, ==, MS (240));
  sim_tcp_rtt_init (&rtt);
  sim_tcp_rtt_add (&rtt, MS (300), 0, 0);
  g_assert_cmpint (rtt.rto_ns, ==, MS (900)); /* SRTT + 4 (SRTT / 2) */
  /* A steady path: the variation comes down to its floor. */
  for (gint64 i = 1; i < 100; i++)
    sim_tcp_rtt_add (&rtt, MS (300), i * 10, i * 10 + 10);
  g_assert_cmpint (rtt.srtt_ns, ==, MS (300));
  g_assert_cmpint (rtt.rto_ns, <=, MS (510));
  /* A jump counts at once, by four times a quarter of it. */
  sim_tcp_rtt_add (&rtt, MS (1300), 2000, 2010);
  g_assert_cmpint (rtt.srtt_ns, ==, MS (425));
  g_assert_cmpint (rtt.rto_ns, >, MS (425 + 1000));
  for (gint64 i = 0; i < 1000; i++)
    sim_tcp_rtt_add (&rtt, SEC (200), 3000 + i * 10, 3010 + i * 10);
  g_assert_cmpint (rtt.rto_ns, ==, SEC (120));
}

/* --- The stream --- */

static CaimanPacket
make_packet (gsize message_bytes, gint64 payload_bytes)
{
  CaimanPacket packet = { 0 };

  if (message_bytes <= CAIMAN_PACKET_INLINE_BYTES)
    packet.inline_len = (guint8)message_bytes;
  else
    packet.message = g_bytes_new_take (g_malloc0 (message_bytes), message_bytes);
  if (payload_bytes >= 0)
    packet.payload = g_bytes_new_take (g_malloc0 ((gsize)payload_bytes + 1), (gsize)payload_bytes);
  return packet;
}

static void
count_frame (gpointer user_data, const guint8 *data, gsize size)
{
  g_assert_nonnull (data);
  g_assert_cmpuint (size, >, 0);
  ++*(guint *)user_data;
}

static void
test_stream (void)
{
  SimTcpStream stream = { 0 };
  SimPathDirection direction = { .corrupt_frames = 2 };
  CaimanPacket one = make_packet (5, 1000), two = make_packet (20, -1), three = make_packet (0, 0);
  const guint8 *data;
  gsize size;
  GBytes *bytes;
  gint64 end;
  guint n_begun = 0;
  gboolean corrupt;

  g_assert_cmpint (sim_tcp_stream_push (&stream, &one), ==, 1025);
  g_assert_cmpint (sim_tcp_stream_push (&stream, &two), ==, 30);
  g_assert_cmpint (sim_tcp_stream_push (&stream, &three), ==, 20);
  g_assert_false (sim_tcp_stream_peek (&stream, 14, &data, &size, &bytes, &end, &corrupt));
  sim_tcp_stream_sent (&stream, 100, &direction, count_frame,
                       &n_begun); /* the first packet alone */
  g_assert_cmpuint (n_begun, ==, 2);
  g_assert_cmpuint (direction.corrupt_frames, ==, 0);
  g_assert_false (sim_tcp_stream_peek (&stream, 1024, &data, &size, &bytes, &end, &corrupt));
  g_assert_true (sim_tcp_stream_peek (&stream, 1025, &data, &size, &bytes, &end, &corrupt));
  g_assert_cmpuint (size, ==, 5);
  g_assert_cmpint (end, ==, 15);
  g_assert_true (corrupt);
  sim_tcp_stream_pop (&stream);
  g_assert_true (sim_tcp_stream_peek (&stream, 1025, &data, &size, &bytes, &end, &corrupt));
  g_assert_cmpuint (size, ==, 1000);
  g_assert_true (corrupt);
  sim_tcp_stream_pop (&stream);
  direction.corrupt_frames = G_MAXUINT64;
  sim_tcp_stream_sent (&stream, 1056, &direction, NULL, NULL);
  g_assert_true (sim_tcp_stream_peek (&stream, 1075, &data, &size, &bytes, &end, &corrupt));
  g_assert_cmpuint (size, ==, 20);
  g_assert_true (corrupt);
  sim_tcp_stream_pop (&stream);
  for (guint i = 0; i < 2; i++) {
    g_assert_true (sim_tcp_stream_peek (&stream, 1075, &data, &size, &bytes, &end, &corrupt));
    g_assert_cmpuint (size, ==, 0);
    sim_tcp_stream_pop (&stream);
  }
  g_assert_false (sim_tcp_stream_peek (&stream, 9999, &data, &size, &bytes, &end, &corrupt));
  sim_tcp_stream_clear (&stream);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/tcp/parts/scoreboard", test_scoreboard);
  g_test_add_func ("/sim/tcp/parts/filter", test_filter);
  g_test_add_func ("/sim/tcp/parts/rtt", test_rtt);
  g_test_add_func ("/sim/tcp/parts/stream", test_stream);
  return g_test_run ();
}
