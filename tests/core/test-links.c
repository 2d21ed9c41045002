/* SPDX-License-Identifier: Apache-2.0 */
/* test-links.c - what the application does with links: add, remove, block, weigh, price, limit
 * (PROTOCOL.md, 6; docs/policy.md). */
#include "tests/core/duo.h"

static Duo *
new_open (const CaimanConfig *config, guint n_links, const CaimanLinkInfo *infos)
{
  Duo *d = duo_new (config, config);
  CaimanLinkInfo plain = { .name = "x" };
  DuoLinkLimits limits = { .bytes_max = 20000 };
  for (guint i = 0; i < n_links; i++)
    duo_add_link_full (d, infos ? &infos[i] : &plain, MS (10), &limits);
  duo_advance (d, MS (50));
  duo_forget (d);
  d->auto_read = TRUE;
  return d;
}

static CaimanLinkStats
get_stats (Duo *d, DuoSide side, guint link)
{
  CaimanLinkStats stats;
  caiman_link_get_stats (duo_get_link (d, side, link), &stats, d->now_ns);
  return stats;
}

static guint
count_reliable (Duo *d, DuoSide side, guint link)
{
  guint n = 0;
  for (guint i = 0; i < d->log->len; i++) {
    const DuoMessage *entry = &g_array_index (d->log, DuoMessage, i);
    n += entry->side == side && entry->link == link &&
         caiman_message_type_is_reliable (entry->message.type);
  }
  return n;
}

static void
add_per_policy (const char *name, GTestDataFunc func)
{
  for (CaimanPolicy policy = 0; policy < CAIMAN_N_POLICIES; policy++) {
    g_autofree char *path =
        g_strdup_printf ("/core/links/%s/%s", name, caiman_policy_to_string (policy));
    g_test_add_data_func (path, GINT_TO_POINTER (policy), func);
  }
}

/* --- Block --- */

/* A blocked link stays up, answers, and carries no new reliable message, either way, once its
 * sender knows; what was on it is not lost. */
static void
test_block (gconstpointer data)
{
  CaimanConfig config = duo_config ();
  config.policy = GPOINTER_TO_INT (data);
  for (DuoSide side = 0; side < DUO_N_SIDES; side++) {
    DuoSide other = side == DUO_CLIENT ? DUO_SERVER : DUO_CLIENT;
    g_autoptr (Duo) d = new_open (&config, 2, NULL);
    duo_offer (d, DUO_CLIENT, 300, 1000, 1000);
    duo_offer (d, DUO_SERVER, 300, 1000, 1000);
    duo_advance (d, MS (15));
    duo_forget (d);
    duo_block (d, side, 1);
    const DuoMessage *set_block = duo_last_sent (d, side, 1, CAIMAN_MESSAGE_SET_BLOCK);
    gboolean was_full = set_block == NULL;
    duo_advance (d, MS (25));
    set_block = duo_last_sent (d, side, 1, CAIMAN_MESSAGE_SET_BLOCK);
    g_assert_nonnull (set_block);
    g_assert_true (set_block->message.blocked);
    g_assert_true (caiman_link_is_blocked_local (duo_get_link (d, side, 1)));
    g_assert_true (caiman_link_is_blocked_remote (duo_get_link (d, other, 1)));
    g_assert_false (caiman_link_is_blocked_remote (duo_get_link (d, side, 1)));
    g_assert_cmpuint (count_reliable (d, side, 1), ==, 0);
    g_assert_cmpuint (d->n_traces[side][CAIMAN_TRACE_LINK_BLOCKED], ==, 1);
    g_assert_cmpuint (d->n_traces[other][CAIMAN_TRACE_LINK_BLOCKED], ==, 1);
    if (!was_full)
      duo_forget (d);
    duo_advance (d, S (90));
    if (!was_full)
      g_assert_cmpuint (count_reliable (d, other, 1), ==, 0);
    g_assert_true (duo_is_delivered (d, DUO_CLIENT));
    g_assert_true (duo_is_delivered (d, DUO_SERVER));
    duo_expect_link_state (d, side, 1, CAIMAN_LINK_WORKING);
    duo_expect_link_state (d, other, 1, CAIMAN_LINK_WORKING);

    duo_unblock (d, side, 1);
    duo_advance (d, MS (50));
    g_assert_false (caiman_link_is_blocked_remote (duo_get_link (d, other, 1)));
    duo_block (d, side, 2);
    duo_advance (d, MS (50));
    duo_forget (d);
    duo_offer (d, DUO_CLIENT, 30, 1000, 1000);
    duo_run_until_idle (d);
    g_assert_true (duo_is_delivered (d, DUO_CLIENT));
    g_assert_cmpuint (count_reliable (d, DUO_CLIENT, 1), >, 0);
    g_assert_cmpuint (count_reliable (d, DUO_CLIENT, 2), ==, 0);
  }
}

/* With all links blocked everything waits, and nothing fails. */
static void
test_block_all (void)
{
  g_autoptr (Duo) d = new_open (NULL, 2, NULL);
  duo_block (d, DUO_CLIENT, 1);
  duo_block (d, DUO_SERVER, 2);
  duo_advance (d, MS (50));
  duo_offer (d, DUO_CLIENT, 10, 100, 100);
  duo_advance (d, S (30));
  g_assert_cmpuint (d->series[DUO_CLIENT].n_received, ==, 0);
  duo_unblock (d, DUO_SERVER, 2);
  duo_advance (d, MS (100));
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
}

/* Blocked before it is accepted: the peer is told as soon as it can be. */
static void
test_block_early (void)
{
  g_autoptr (Duo) d = new_open (NULL, 1, NULL);
  duo_add_link (d, "b", MS (10));
  duo_block (d, DUO_CLIENT, 2);
  duo_advance (d, MS (100));
  g_assert_true (caiman_link_is_blocked_remote (duo_get_link (d, DUO_SERVER, 2)));
  duo_drop_link (d, 1);
  duo_offer (d, DUO_SERVER, 1, 100, 100);
  duo_advance (d, S (1));
  g_assert_cmpuint (count_reliable (d, DUO_SERVER, 2), ==, 0);
}

/* --- Hot add and removal --- */

/* Links join and leave while data flows; none of it is lost. */
static void
test_hot (gconstpointer data)
{
  CaimanConfig config = duo_config ();
  config.policy = GPOINTER_TO_INT (data);
  g_autoptr (Duo) d = new_open (&config, 1, NULL);
  duo_offer (d, DUO_CLIENT, 1500, 1000, 1000);
  duo_offer (d, DUO_SERVER, 1500, 1000, 1000);
  guint last = 1;
  for (guint i = 0; i < 6; i++) {
    duo_advance (d, MS (30));
    guint link = duo_add_link (d, "new", MS (5 * (i + 1)));
    duo_advance (d, MS (50));
    if (i % 2)
      duo_drop_link (d, last);
    else
      duo_disconnect (d, i % 4 ? DUO_CLIENT : DUO_SERVER, last);
    last = link;
  }
  duo_run_until_idle (d);
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
  g_assert_true (duo_is_delivered (d, DUO_SERVER));
  gsize n_links;
  caiman_connection_get_links (d->client, &n_links);
  g_assert_cmpuint (n_links, ==, 1);
}

/* A new link soon carries its part. */
static void
test_added_link_is_used (gconstpointer data)
{
  CaimanConfig config = duo_config ();
  config.policy = GPOINTER_TO_INT (data);
  g_autoptr (Duo) d = new_open (&config, 1, NULL);
  duo_offer (d, DUO_CLIENT, 3000, 1000, 1000);
  duo_advance (d, MS (500));
  CaimanLinkInfo info = { .name = "b" };
  DuoLinkLimits limits = { .bytes_max = 20000 };
  duo_add_link_full (d, &info, MS (10), &limits);
  duo_run_until_idle (d);
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
  CaimanLinkStats stats = get_stats (d, DUO_CLIENT, 2);
  g_assert_cmpuint (stats.sent_bytes + stats.duplicated_bytes, >, 300000);
}

/* Ids and names; what is not there has none. */
static void
test_identity (void)
{
  CaimanLinkInfo infos[] = { { .name = "lan" }, { .name = "lte" }, { .name = NULL } };
  g_autoptr (Duo) d = new_open (NULL, 3, infos);
  g_assert_cmpstr (caiman_link_get_name (duo_get_link (d, DUO_CLIENT, 1)), ==, "lan");
  g_assert_cmpstr (caiman_link_get_name (duo_get_link (d, DUO_CLIENT, 2)), ==, "lte");
  g_assert_cmpstr (caiman_link_get_name (duo_get_link (d, DUO_CLIENT, 3)), ==, "");
  for (DuoSide side = 0; side < DUO_N_SIDES; side++)
    for (guint link = 1; link <= 3; link++)
      g_assert_cmpuint (caiman_link_get_id (duo_get_link (d, side, link)), ==, link);
  gsize n_links;
  CaimanLink *const *links = caiman_connection_get_links (d->client, &n_links);
  g_assert_cmpuint (n_links, ==, 3);
  g_assert_true (links[0] == duo_get_link (d, DUO_CLIENT, 1));
  g_assert_cmpstr (caiman_link_state_to_string (CAIMAN_LINK_NOT_WORKING), ==, "not-working");
  g_assert_cmpstr (caiman_link_state_to_string (CAIMAN_N_LINK_STATES), ==, "unknown");
}

/* Each change of state is told, once, with its reason. */
static void
test_state_events (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (100));
  duo_drop_link (d, 1);
  static const CaimanLinkState expected[] = { CAIMAN_LINK_NEW, CAIMAN_LINK_WORKING,
                                              CAIMAN_LINK_CLOSED };
  guint n = 0;
  for (guint i = 0; i < d->events->len; i++) {
    const DuoEvent *event = &g_array_index (d->events, DuoEvent, i);
    if (event->side != DUO_CLIENT || event->event.type != CAIMAN_EVENT_LINK_STATE)
      continue;
    g_assert_cmpuint (n, <, G_N_ELEMENTS (expected));
    g_assert_cmpint (event->event.link_state, ==, expected[n++]);
  }
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (expected));
  const DuoEvent *last = duo_last_event (d, DUO_CLIENT, CAIMAN_EVENT_LINK_STATE);
  g_assert_cmpint (last->event.reason, ==, CAIMAN_REASON_LINK_RESET);
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_LINK_CLOSE), ==, 1);
}

/* --- Weight, cost, quota --- */

static void
expect_share (Duo *d, guint link, gint64 percent_min, gint64 percent_max)
{
  CaimanConnectionStats all;
  caiman_connection_get_stats (d->client, &all);
  guint64 sent = get_stats (d, DUO_CLIENT, link).sent_bytes;
  g_assert_cmpuint (sent * 100, >=, all.sent_bytes * (guint64)percent_min);
  g_assert_cmpuint (sent * 100, <=, all.sent_bytes * (guint64)percent_max);
}

/* Weights give the shares when several links could take it. */
static void
test_weight (gconstpointer data)
{
  CaimanConfig config = duo_config ();
  config.policy = GPOINTER_TO_INT (data);
  config.link_window_start_bytes = MIB (1);
  CaimanLinkInfo infos[] = { { .name = "a", .weight = 3 }, { .name = "b", .weight = 1 } };
  g_autoptr (Duo) d = duo_new (&config, &config);
  for (guint i = 0; i < 2; i++)
    duo_add_link_full (d, &infos[i], MS (10), NULL);
  duo_advance (d, MS (50));
  d->auto_read = TRUE;
  /* Little at a time, so that both links always could take it. */
  for (guint i = 0; i < 400; i++) {
    duo_offer (d, DUO_CLIENT, 4, 1000, 1000);
    duo_advance (d, MS (5));
  }
  duo_run_until_idle (d);
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
  expect_share (d, 1, 65, 85);
  caiman_link_set_weight (duo_get_link (d, DUO_CLIENT, 1), 1);
}

/* A costlier link is not used while the cheaper one meets the demand. */
static void
test_cost_unused (gconstpointer data)
{
  CaimanConfig config = duo_config ();
  config.policy = GPOINTER_TO_INT (data);
  CaimanLinkInfo infos[] = { { .name = "lte", .cost = 10 }, { .name = "lan" } };
  g_autoptr (Duo) d = new_open (&config, 2, infos);
  for (guint i = 0; i < 300; i++) {
    duo_offer (d, DUO_CLIENT, 2, 1000, 1000);
    duo_advance (d, MS (10));
  }
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
  g_assert_cmpuint (count_reliable (d, DUO_CLIENT, 1), ==, 0);
  /* The cheap one fails: the other takes over. */
  duo_drop_link (d, 2);
  duo_offer (d, DUO_CLIENT, 10, 1000, 1000);
  duo_advance (d, S (3));
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
  g_assert_cmpuint (count_reliable (d, DUO_CLIENT, 1), >, 0);
}

/* Demand that the cheaper links do not meet for longer than cost-delay brings the costlier in. */
static void
test_cost_shortage (gconstpointer data)
{
  CaimanConfig config = duo_config ();
  config.policy = GPOINTER_TO_INT (data);
  config.cost_delay_ns = S (1);
  CaimanLinkInfo infos[] = { { .name = "lte", .cost = 10 }, { .name = "lan" } };
  g_autoptr (Duo) d = new_open (&config, 2, infos);
  duo_limit_link (d, 2, 0, 3000); /* some 300 kB/s */
  duo_offer (d, DUO_CLIENT, 4000, 1000, 1000);
  duo_advance (d, MS (900));
  g_assert_cmpuint (get_stats (d, DUO_CLIENT, 1).sent_bytes, ==, 0);
  duo_advance (d, S (2));
  g_assert_cmpuint (get_stats (d, DUO_CLIENT, 1).sent_bytes, >, 100000);
  duo_run_until_idle (d);
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
  /* The demand falls to what the cheap one can carry: the other one rests again. */
  for (guint i = 0; i < 200; i++) {
    duo_offer (d, DUO_CLIENT, 1, 1000, 1000);
    duo_advance (d, MS (50));
  }
  guint64 sent = get_stats (d, DUO_CLIENT, 1).sent_bytes;
  for (guint i = 0; i < 100; i++) {
    duo_offer (d, DUO_CLIENT, 1, 1000, 1000);
    duo_advance (d, MS (50));
  }
  g_assert_cmpuint (get_stats (d, DUO_CLIENT, 1).sent_bytes, ==, sent);
}

/* A slow reader is no reason to use the costlier link: more links would not help. */
static void
test_cost_slow_reader (void)
{
  CaimanConfig config = duo_config ();
  config.receive_buffer_bytes = 20000;
  CaimanLinkInfo infos[] = { { .name = "lte", .cost = 10 }, { .name = "lan" } };
  g_autoptr (Duo) d = new_open (&config, 2, infos);
  d->auto_read = FALSE;
  duo_limit_link (d, 2, 0, 3000);
  duo_offer (d, DUO_CLIENT, 1000, 1000, 1000);
  for (guint i = 0; i < 200; i++) {
    GBytes *message = caiman_connection_receive (d->accepted, d->now_ns, NULL);
    g_clear_pointer (&message, g_bytes_unref);
    duo_advance (d, MS (50));
  }
  g_assert_cmpuint (d->n_traces[DUO_SERVER][CAIMAN_TRACE_DATA_DELIVERED], >, 200);
  g_assert_cmpuint (get_stats (d, DUO_CLIENT, 1).sent_bytes, ==, 0);
}

/* A new price holds at once. */
static void
test_set_cost (void)
{
  g_autoptr (Duo) d = new_open (NULL, 2, NULL);
  caiman_link_set_cost (duo_get_link (d, DUO_CLIENT, 1), 5, d->now_ns);
  duo_offer (d, DUO_CLIENT, 10, 1000, 1000);
  duo_advance (d, MS (100));
  g_assert_cmpuint (count_reliable (d, DUO_CLIENT, 1), ==, 0);
  caiman_link_set_cost (duo_get_link (d, DUO_CLIENT, 1), 0, d->now_ns);
  caiman_link_set_cost (duo_get_link (d, DUO_CLIENT, 2), 5, d->now_ns);
  duo_forget (d);
  duo_offer (d, DUO_CLIENT, 10, 1000, 1000);
  duo_advance (d, MS (100));
  g_assert_cmpuint (count_reliable (d, DUO_CLIENT, 2), ==, 0);
  g_assert_cmpuint (count_reliable (d, DUO_CLIENT, 1), >, 0);
}

/* A quota counts both directions; when it is used up the link is blocked until the next period. */
static void
test_quota (gconstpointer data)
{
  CaimanConfig config = duo_config ();
  config.policy = GPOINTER_TO_INT (data);
  CaimanLinkInfo info = { .name = "a", .quota_bytes = 50000, .quota_period_ns = S (10) };
  g_autoptr (Duo) d = new_open (&config, 1, &info);
  duo_offer (d, DUO_CLIENT, 120, 1000, 1000);
  for (guint period = 1; period <= 2; period++) {
    duo_advance (d, period * S (10) - MS (100) - d->now_ns);
    guint64 sent = get_stats (d, DUO_CLIENT, 1).sent_bytes;
    g_assert_cmpuint (sent, >, period * 47000);
    g_assert_cmpuint (sent, <=, period * 50000);
    g_assert_true (caiman_link_is_blocked_local (duo_get_link (d, DUO_CLIENT, 1)));
    g_assert_true (caiman_link_is_blocked_remote (duo_get_link (d, DUO_SERVER, 1)));
    duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_WORKING);
  }
  duo_advance (d, S (30) - MS (100) - d->now_ns);
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
  g_assert_false (caiman_link_is_blocked_remote (duo_get_link (d, DUO_SERVER, 1)));
}

/* Without a period: once for the life of the link. */
static void
test_quota_for_life (void)
{
  CaimanConfig config = duo_config ();
  CaimanLinkInfo infos[] = { { .name = "a", .quota_bytes = 20000 }, { .name = "b", .cost = 1 } };
  g_autoptr (Duo) d = new_open (&config, 2, infos);
  duo_offer (d, DUO_CLIENT, 200, 1000, 1000);
  duo_run_until_idle (d);
  duo_advance (d, S (300));
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
  g_assert_cmpuint (get_stats (d, DUO_CLIENT, 1).sent_bytes, <=, 20000);
  g_assert_true (caiman_link_is_blocked_local (duo_get_link (d, DUO_CLIENT, 1)));
}

/* --- Hints and silence --- */

static void
test_silence (void)
{
  g_autoptr (Duo) d = new_open (NULL, 1, NULL);
  CaimanLink *link = duo_get_link (d, DUO_CLIENT, 1);
  g_assert_cmpint (caiman_link_get_silent_since (link), ==, CAIMAN_TIME_NEVER);
  duo_advance (d, S (1));
  duo_stall_link (d, 1);
  gint64 sent_ns = d->now_ns;
  duo_offer (d, DUO_CLIENT, 1, 100, 100);
  duo_advance (d, MS (700));
  g_assert_cmpint (caiman_link_get_silent_since (link), ==, sent_ns);
  duo_resume_link (d, 1);
  duo_advance (d, MS (50));
  g_assert_cmpint (caiman_link_get_silent_since (link), ==, CAIMAN_TIME_NEVER);
}

/* The adaptive policy suspects a silent link soon, and sends what it holds over another one. */
static void
test_suspicion (void)
{
  g_autoptr (Duo) d = new_open (NULL, 2, NULL);
  duo_offer (d, DUO_CLIENT, 200, 1000, 1000);
  duo_run_until_idle (d);
  duo_offer (d, DUO_CLIENT, 1, 1000, 1000);
  guint link = duo_last_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA)->link;
  duo_stall_link (d, link);
  gint64 sent_ns = d->now_ns;
  while (!caiman_link_is_suspected (duo_get_link (d, DUO_CLIENT, link)) &&
         d->now_ns < sent_ns + S (1))
    duo_advance (d, MS (1));
  g_assert_cmpint (d->now_ns - sent_ns, <=, MS (120));
  g_assert_cmpuint (get_stats (d, DUO_CLIENT, link).n_suspected, ==, 1);
  duo_advance (d, MS (15));
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
  g_assert_cmpuint (get_stats (d, DUO_CLIENT, 3 - link).duplicated_bytes +
                        get_stats (d, DUO_CLIENT, 3 - link).resent_bytes,
                    >=, 1000);
  duo_resume_link (d, link);
  duo_advance (d, MS (100));
  g_assert_false (caiman_link_is_suspected (duo_get_link (d, DUO_CLIENT, link)));
}

static void
test_hint (void)
{
  g_autoptr (Duo) d = new_open (NULL, 1, NULL);
  CaimanLinkHint hint = { .rtt_ns = MS (20), .unsent_bytes = 0, .retransmits = 1, .backoff = 0 };
  caiman_link_set_hint (duo_get_link (d, DUO_CLIENT, 1), &hint, d->now_ns);
  duo_offer (d, DUO_CLIENT, 10, 100, 100);
  duo_run_until_idle (d);
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
}

/* The redundant policy sends everything over every link; what is lost on one is not missed. */
static void
test_redundant (void)
{
  CaimanConfig config = duo_config ();
  config.policy = CAIMAN_POLICY_REDUNDANT;
  g_autoptr (Duo) d = new_open (&config, 2, NULL);
  duo_offer (d, DUO_CLIENT, 20, 1000, 1000);
  duo_advance (d, MS (5));
  for (guint link = 1; link <= 2; link++) {
    CaimanLinkStats stats = get_stats (d, DUO_CLIENT, link);
    g_assert_cmpuint (stats.sent_bytes + stats.duplicated_bytes, ==, 20000);
  }
  duo_stall_link (d, 1);
  duo_advance (d, MS (6));
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_per_policy ("block", test_block);
  g_test_add_func ("/core/links/block-all", test_block_all);
  g_test_add_func ("/core/links/block-early", test_block_early);
  add_per_policy ("hot", test_hot);
  add_per_policy ("added-link-is-used", test_added_link_is_used);
  g_test_add_func ("/core/links/identity", test_identity);
  g_test_add_func ("/core/links/state-events", test_state_events);
  g_test_add_data_func ("/core/links/weight/adaptive", GINT_TO_POINTER (CAIMAN_POLICY_ADAPTIVE),
                        test_weight);
  g_test_add_data_func ("/core/links/weight/min-rtt", GINT_TO_POINTER (CAIMAN_POLICY_MIN_RTT),
                        test_weight);
  g_test_add_data_func ("/core/links/weight/round-robin",
                        GINT_TO_POINTER (CAIMAN_POLICY_ROUND_ROBIN), test_weight);
  g_test_add_data_func ("/core/links/weight/reference", GINT_TO_POINTER (CAIMAN_POLICY_REFERENCE),
                        test_weight);
  add_per_policy ("cost-unused", test_cost_unused);
  add_per_policy ("cost-shortage", test_cost_shortage);
  g_test_add_func ("/core/links/cost-slow-reader", test_cost_slow_reader);
  g_test_add_func ("/core/links/set-cost", test_set_cost);
  add_per_policy ("quota", test_quota);
  g_test_add_func ("/core/links/quota-for-life", test_quota_for_life);
  g_test_add_func ("/core/links/silence", test_silence);
  g_test_add_func ("/core/links/suspicion", test_suspicion);
  g_test_add_func ("/core/links/hint", test_hint);
  g_test_add_func ("/core/links/redundant", test_redundant);
  return g_test_run ();
}
