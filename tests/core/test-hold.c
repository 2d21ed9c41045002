/* SPDX-License-Identifier: Apache-2.0 */
/* test-hold.c - why a link gets no new data, each reason brought about; and why payload is sent
 * again, as the trace tells it. */
#include "core/connection-private.h"
#include "core/hold.h"
#include "tests/core/duo.h"

static Duo *
new_open (const CaimanConfig *config, guint n_links, const CaimanLinkInfo *infos)
{
  static const char *const names[] = { "a", "b", "c" };
  Duo *d = duo_new (config, config);
  for (guint i = 0; i < n_links; i++) {
    CaimanLinkInfo info = { .name = names[i] };
    duo_add_link_full (d, infos ? &infos[i] : &info, MS (10), NULL);
  }
  duo_advance (d, MS (50));
  return d;
}

#define expect_hold(d, link, hold)                                                                 \
  g_assert_cmpstr (                                                                                \
      caiman_hold_to_string (caiman_link_get_hold (duo_get_link ((d), DUO_CLIENT, (link)))), ==,   \
      (hold))

/* The client writes one message of @size bytes, whether it is taken or not. */
static void
write_bytes (Duo *d, gsize size)
{
  g_autofree guint8 *bytes = g_malloc0 (size);
  g_autoptr (GBytes) message = g_bytes_new (bytes, size);
  g_autoptr (GError) error = NULL;
  caiman_connection_send (d->client, message, d->now_ns, &error);
  duo_settle (d);
}

static void
test_names (void)
{
  for (CaimanHold hold = 0; hold < CAIMAN_N_HOLDS; hold++) {
    for (CaimanHold other = 0; other < hold; other++)
      g_assert_cmpstr (caiman_hold_to_string (hold), !=, caiman_hold_to_string (other));
  }
  g_assert_cmpstr (caiman_hold_to_string (CAIMAN_N_HOLDS), ==, "unknown");
  g_assert_cmpstr (caiman_resend_cause_to_string (CAIMAN_RESEND_LATE), ==, "late");
  g_assert_cmpstr (caiman_resend_cause_to_string (CAIMAN_N_RESENDS), ==, "unknown");
}

/* From its opening to its end. */
static void
test_life (void)
{
  CaimanConfig config = duo_config ();
  config.test_data_bytes = 1000;
  g_autoptr (Duo) d = duo_new (&config, &config);
  duo_add_link (d, "a", MS (10));
  expect_hold (d, 1, "handshake");
  while (caiman_link_get_state (duo_get_link (d, DUO_CLIENT, 1)) == CAIMAN_LINK_CONNECTING)
    duo_advance (d, MS (1));
  expect_hold (d, 1, "untested");
  duo_advance (d, MS (200));
  expect_hold (d, 1, "no-data");
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (200));
  g_autoptr (CaimanLink) link = caiman_link_ref (duo_get_link (d, DUO_CLIENT, 1));
  caiman_link_disconnect (link, d->now_ns);
  g_assert_cmpint (caiman_link_get_hold (link), ==, CAIMAN_HOLD_CLOSING);
  duo_advance (d, MS (200));
  g_assert_cmpint (caiman_link_get_state (link), ==, CAIMAN_LINK_CLOSED);
  g_assert_cmpint (caiman_link_get_hold (link), ==, CAIMAN_HOLD_CLOSING);
  caiman_connection_terminate (d->client, d->now_ns);
  expect_hold (d, 2, "not-open");
}

static void
test_blocked (void)
{
  g_autoptr (Duo) d = new_open (NULL, 2, NULL);
  duo_block (d, DUO_CLIENT, 1);
  duo_block (d, DUO_SERVER, 2);
  duo_advance (d, MS (20));
  expect_hold (d, 1, "blocked-local");
  expect_hold (d, 2, "blocked-remote");
  g_assert_cmpstr (caiman_hold_to_string (caiman_link_get_hold (duo_get_link (d, DUO_SERVER, 1))),
                   ==, "blocked-remote");
  duo_unblock (d, DUO_CLIENT, 1);
  expect_hold (d, 1, "no-data");
}

static void
test_quota (void)
{
  CaimanLinkInfo info = { .name = "a", .quota_bytes = 20000, .quota_period_ns = S (100) };
  g_autoptr (Duo) d = new_open (NULL, 1, &info);
  duo_offer (d, DUO_CLIENT, 100, 1000, 1000);
  duo_advance (d, S (1));
  expect_hold (d, 1, "quota");
}

/* Suspected while another link is not; when it is the last one it is used all the same. Then the
 * acknowledgement times out. */
static void
test_silent (void)
{
  g_autoptr (Duo) d = new_open (NULL, 2, NULL);
  duo_offer (d, DUO_CLIENT, 200, 1000, 1000);
  duo_run_until_idle (d);
  duo_offer (d, DUO_CLIENT, 1, 1000, 1000);
  guint link = duo_last_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA)->link;
  duo_stall_link (d, link);
  while (!caiman_link_is_suspected (duo_get_link (d, DUO_CLIENT, link)))
    duo_advance (d, MS (1));
  expect_hold (d, link, "suspected");
  expect_hold (d, 3 - link, "no-data");
  duo_block (d, DUO_CLIENT, 3 - link);
  expect_hold (d, link, "no-data");
  duo_unblock (d, DUO_CLIENT, 3 - link);
  duo_advance (d, S (1));
  expect_hold (d, link, "not-working");
}

/* The send buffer is full of what the peer has not acknowledged: whether the application was
 * refused or a message waits for the rest of it. */
static void
test_send_window (void)
{
  CaimanConfig config = duo_config ();
  config.send_buffer_bytes = 10000;
  g_autoptr (Duo) d = new_open (&config, 1, NULL);
  duo_stall_link (d, 1);
  for (guint i = 0; i < 10; i++)
    write_bytes (d, 1000);
  expect_hold (d, 1, "no-data"); /* full, but nobody wants more */
  write_bytes (d, 1000);
  expect_hold (d, 1, "send-window");
  duo_resume_link (d, 1);
  duo_advance (d, MS (100));
  expect_hold (d, 1, "no-data");
  duo_stall_link (d, 1);
  write_bytes (d, 6000);
  write_bytes (d, 6000); /* accepted, since there is room for some of it */
  expect_hold (d, 1, "send-window");
}

/* The peer's application does not read. */
static void
test_peer_window (void)
{
  CaimanConfig server = duo_config ();
  server.receive_buffer_bytes = 20000;
  g_autoptr (Duo) d = duo_new (NULL, &server);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  for (guint i = 0; i < 25; i++)
    write_bytes (d, 1000);
  duo_advance (d, MS (200));
  expect_hold (d, 1, "peer-window");
  for (GBytes *message; (message = caiman_connection_receive (d->accepted, d->now_ns, NULL));)
    g_bytes_unref (message);
  duo_settle (d);
  duo_advance (d, MS (200));
  expect_hold (d, 1, "no-data");
}

static void
test_seq_window (void)
{
  g_autoptr (Duo) d = new_open (NULL, 1, NULL);
  duo_stall_link (d, 1);
  duo_get_link (d, DUO_CLIENT, 1)->window_bytes = G_MAXINT32;
  for (guint i = 0; i < CAIMAN_SEQ_WINDOW; i++)
    write_bytes (d, 1);
  expect_hold (d, 1, "seq-window");
}

static void
test_cost (void)
{
  CaimanLinkInfo infos[] = { { .name = "lte", .cost = 10 }, { .name = "lan" } };
  g_autoptr (Duo) d = new_open (NULL, 2, infos);
  duo_limit_link (d, 2, 0, 3000);
  duo_offer (d, DUO_CLIENT, 100, 1000, 1000);
  expect_hold (d, 1, "cost");
  expect_hold (d, 2, "back-pressure");
}

static void
test_link_window (void)
{
  CaimanConfig config = duo_config ();
  config.link_window_start_bytes = 8192;
  g_autoptr (Duo) d = new_open (&config, 1, NULL);
  duo_offer (d, DUO_CLIENT, 100, 1000, 1000);
  expect_hold (d, 1, "link-window");
}

/* A fast link is full, and what waits would arrive later over the slow one than over the fast one
 * once that has room. Asking does not change what comes of it. */
static void
test_better_link (void)
{
  guint64 sent_bytes[2];
  for (guint asked = 0; asked < 2; asked++) {
    g_autoptr (Duo) d = duo_new (NULL, NULL);
    duo_add_link (d, "near", MS (5));
    duo_add_link (d, "far", MS (400));
    duo_advance (d, S (3));
    guint n_better = 0;
    for (guint i = 0; i < 200; i++) {
      duo_offer (d, DUO_CLIENT, 100, 1000, 1000);
      for (guint k = 0; k < 5; k++) {
        duo_advance (d, MS (1));
        if (asked)
          n_better +=
              caiman_link_get_hold (duo_get_link (d, DUO_CLIENT, 2)) == CAIMAN_HOLD_BETTER_LINK;
      }
    }
    CaimanLinkStats stats;
    caiman_link_get_stats (duo_get_link (d, DUO_CLIENT, 2), &stats, d->now_ns);
    sent_bytes[asked] = stats.sent_bytes;
    g_assert_true (!asked || n_better > 0);
  }
  g_assert_cmpuint (sent_bytes[0], ==, sent_bytes[1]);
}

/* `reference`: nothing new while anything must be sent again. */
static void
test_resend_first (void)
{
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_AGGLIGATOR_0_10);
  config.test_data_bytes = 0;
  g_autoptr (Duo) d = new_open (&config, 2, NULL);
  CaimanLink *link = duo_get_link (d, DUO_CLIENT, 1);
  duo_offer (d, DUO_CLIENT, 4, 1000, 1000);
  /* All that is out must be sent again, and the only link that is left had it last. */
  guint last = duo_last_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA)->link;
  if (last == 1)
    link = duo_get_link (d, DUO_CLIENT, 2);
  caiman_send_queue_mark (&d->client->queue,
                          caiman_send_queue_find (&d->client->queue, d->client->queue.next_seq - 1),
                          CAIMAN_OUT_LOST);
  caiman_link_set_blocked (link, TRUE, d->now_ns);
  duo_offer (d, DUO_CLIENT, 4, 1000, 1000);
  expect_hold (d, last, "resend-first");
}

/* ---- why payload is sent again ---- */

typedef struct {
  guint n[CAIMAN_N_RESENDS];
  guint64 bytes;
  guint32 link_id, from_link_id; /* of the last */
} Resends;

static void
count (const CaimanTraceEvent *event, gpointer user_data)
{
  Resends *resends = user_data;
  gboolean is_again =
      event->type == CAIMAN_TRACE_DATA_RESENT || event->type == CAIMAN_TRACE_DATA_DUPLICATED;
  g_assert_cmpint (is_again, ==, event->resend_cause != CAIMAN_RESEND_NONE);
  if (!is_again)
    return;
  resends->n[event->resend_cause]++;
  resends->bytes += event->b;
  resends->link_id = event->link_id;
  resends->from_link_id = event->from_link_id;
}

static void
watch (Duo *d, Resends *resends)
{
  *resends = (Resends) { 0 };
  caiman_connection_set_tracer (d->client, &(CaimanTracer) { count, resends });
}

static guint
count_all (const Resends *resends)
{
  guint sum = 0;
  for (guint i = 0; i < CAIMAN_N_RESENDS; i++)
    sum += resends->n[i];
  return sum;
}

static void
test_resend_gone (void)
{
  Resends resends;
  g_autoptr (Duo) d = new_open (NULL, 2, NULL);
  watch (d, &resends);
  duo_offer (d, DUO_CLIENT, 1, 1000, 1000);
  guint link = duo_last_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA)->link;
  guint32 id = caiman_link_get_id (duo_get_link (d, DUO_CLIENT, link));
  duo_drop_link (d, link);
  duo_advance (d, MS (50));
  g_assert_cmpuint (resends.n[CAIMAN_RESEND_GONE], ==, 1);
  g_assert_cmpuint (count_all (&resends), ==, 1);
  g_assert_cmpuint (resends.bytes, ==, 1000);
  g_assert_cmpuint (resends.from_link_id, ==, id);
  g_assert_cmpuint (resends.link_id, !=, id);
}

static void
test_resend_suspected (void)
{
  Resends resends;
  g_autoptr (Duo) d = new_open (NULL, 2, NULL);
  duo_offer (d, DUO_CLIENT, 200, 1000, 1000);
  duo_run_until_idle (d);
  watch (d, &resends);
  duo_offer (d, DUO_CLIENT, 1, 1000, 1000);
  guint link = duo_last_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA)->link;
  duo_stall_link (d, link);
  duo_advance (d, MS (150));
  g_assert_cmpuint (resends.n[CAIMAN_RESEND_SUSPECTED], ==, 1);
  g_assert_cmpuint (count_all (&resends), ==, 1);
}

/* `reference` suspects nobody: an acknowledgement times out. */
static void
test_resend_not_working (void)
{
  CaimanConfig config;
  Resends resends;
  caiman_config_init (&config, CAIMAN_PRESET_AGGLIGATOR_0_10);
  g_autoptr (Duo) d = duo_new (&config, &config);
  duo_add_link (d, "a", MS (10));
  duo_add_link (d, "b", MS (10));
  duo_advance (d, S (1));
  watch (d, &resends);
  duo_offer (d, DUO_CLIENT, 1, 1000, 1000);
  duo_stall_link (d, duo_last_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA)->link);
  duo_advance (d, S (10));
  g_assert_cmpuint (resends.n[CAIMAN_RESEND_NOT_WORKING], ==, 1);
  g_assert_cmpuint (count_all (&resends), ==, 1);
}

static void
test_resend_redundant (void)
{
  CaimanConfig config = duo_config ();
  Resends resends;
  config.policy = CAIMAN_POLICY_REDUNDANT;
  g_autoptr (Duo) d = new_open (&config, 3, NULL);
  watch (d, &resends);
  duo_offer (d, DUO_CLIENT, 5, 1000, 1000);
  g_assert_cmpuint (resends.n[CAIMAN_RESEND_REDUNDANT], ==, 10);
  g_assert_cmpuint (count_all (&resends), ==, 10);
}

/* What is out on a link that has become slow is sent over an idle one. */
static void
test_resend_late (void)
{
  Resends resends;
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "slow", MS (200));
  duo_advance (d, S (2));
  duo_limit_link (d, 1, 0, 4000); /* 10 kB/s */
  duo_offer (d, DUO_CLIENT, 100, 1000, 1000);
  duo_advance (d, S (3));
  watch (d, &resends);
  duo_add_link (d, "fast", MS (5));
  duo_advance (d, S (2));
  duo_run_until_idle (d);
  g_assert_cmpuint (resends.n[CAIMAN_RESEND_LATE], >, 0);
  g_assert_cmpuint (count_all (&resends), ==, resends.n[CAIMAN_RESEND_LATE]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/hold/names", test_names);
  g_test_add_func ("/core/hold/life", test_life);
  g_test_add_func ("/core/hold/blocked", test_blocked);
  g_test_add_func ("/core/hold/quota", test_quota);
  g_test_add_func ("/core/hold/silent", test_silent);
  g_test_add_func ("/core/hold/send-window", test_send_window);
  g_test_add_func ("/core/hold/peer-window", test_peer_window);
  g_test_add_func ("/core/hold/seq-window", test_seq_window);
  g_test_add_func ("/core/hold/cost", test_cost);
  g_test_add_func ("/core/hold/link-window", test_link_window);
  g_test_add_func ("/core/hold/better-link", test_better_link);
  g_test_add_func ("/core/hold/resend-first", test_resend_first);
  g_test_add_func ("/core/resend-cause/gone", test_resend_gone);
  g_test_add_func ("/core/resend-cause/suspected", test_resend_suspected);
  g_test_add_func ("/core/resend-cause/not-working", test_resend_not_working);
  g_test_add_func ("/core/resend-cause/redundant", test_resend_redundant);
  g_test_add_func ("/core/resend-cause/late", test_resend_late);
  return g_test_run ();
}
