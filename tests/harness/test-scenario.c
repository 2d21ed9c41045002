/* SPDX-License-Identifier: Apache-2.0 */
/* test-scenario.c - what a good file resolves to, and that its canonical text is stable. */
#include "harness/expect.h"
#include "harness/metrics-registry.h"
#include "harness/presets.h"
#include "harness/scenario.h"

#include <string.h>

#define MS(n) ((n)*CAIMAN_NS_PER_MS)
#define S(n)  ((n)*CAIMAN_NS_PER_S)

static Scenario *
parse (const char *text)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  Scenario *scenario = scenario_parse ("test", text, strlen (text), NULL, errors);

  for (guint i = 0; i < errors->len; i++)
    g_test_message ("%s", (char *)errors->pdata[i]);
  g_assert_cmpuint (errors->len, ==, 0);
  g_assert_nonnull (scenario);
  return scenario;
}

#define HEAD "[scenario]\nformat = 1\nduration = 30s\ncarrier = pipe\n"

/* Everything that can be said, in one file. */
static const char everything[] =
    "# all of it\n"
    "[scenario]\nformat = 1\ntitle = All of it\ndescription = every key\nduration = 1min\n"
    "seed = 3 .. 7\nends = at-duration\nheals-within = 2s\nsample-interval = 10ms\n"
    "[config]\npreset = aggligator-0.9\nsend-buffer = 20MB\npolicy = min-rtt\n"
    "[client]\nreconnect = never\nconsumed-when-empty = no\n"
    "[server]\npreset = aggligator-0.10\naccepts = refuse\naccept-after = 5ms\n"
    "policy = round-robin\n"
    "[link wifi]\ncarrier = pipe\nup.rate = 12.5mbit\nrate = 50mbit\ndelay = 10ms\n"
    "jitter = normal(2ms)\nup.jitter = uniform(1ms)\nloss = gilbert(0.5%, 30%)\n"
    "up.loss = gilbert(1%, 2%, 3%, 4%)\nqueue = 100ms\nup.queue = 50 packets\n"
    "weight = 3\ndown.weight = 4\ncost = 1\nquota = 1GB\nquota-period = 1h\n"
    "receive-buffer = 1MiB\nstarts = 2s\nreconnect = 1s\nconnect-timeout = 3s\n"
    "refused-by = server\n"
    "[link lte]\ncarrier = tcp\nrate = unlimited\nloss = every(100)\nup.loss = mask(0110)\n"
    "congestion-control = bbr\ninitial-window = 4\nsend-buffer = 1MiB\nuser-timeout = 30s\n"
    "pacing = off\n"
    "down.loss = 2%\nqueue = 64KiB\nstarts = never\njitter = pareto(3ms)\nrefused-by = client\n"
    "[traffic chat]\nfrom = both\nkind = messages\ncount = 1000\nmessage-size = uniform(1kB, 2kB)\n"
    "interval = 1ms\nstarts = 1s\nstops = 50s\nclose = late 5s\nreader-rate = 1mbit\n"
    "reader-starts = 2s\n"
    "[traffic web]\nfrom = client\nkind = request\ncount = 50\nrequest-size = list(1kB, 2kB, 3kB)\n"
    "response-size = pareto(1kB, 1MB)\nthink-time = 10ms\n"
    "[traffic steady]\nfrom = server\nkind = rate\nmode = messages\nrate = 1mbit\n"
    "message-size = 200B\nclose = never\n"
    "[traffic talk]\nfrom = client\nkind = on-off\nmode = messages\nrate = 64kbit\non = 1s\n"
    "off = 2s\nbytes = 1MB\n"
    "[traffic lump]\nfrom = client\nkind = bulk\nmode = messages\nstops = 10s\n"
    "message-size = exponential(1kB, 64KiB)\n"
    "[event e1]\nat = 4s\ndo = blackhole wifi for 5s\n"
    "[event e2]\nwhen = lump.delivered >= 20MB\ndo = down wifi for 1s repeat 3 every 10s\n"
    "[event e3]\nwhen = chat.up.messages >= 100\ndo = pause wifi.up for 1s repeat 9 every 100\n"
    "[event e4]\nafter = e5 + 2s\ndo = set wifi.down,lte rate=1mbit delay=5ms jitter=none "
    "loss=gilbert(1%, 2%) queue=9 packets for 1s\n"
    "[event e5]\nafter = e1\ndo = add lte\n"
    "[event e6]\nat = 10s\ndo = flap lte on 1s off 500ms for 6s\n"
    "[event e7]\nat = 10s\ndo = corrupt all.down\n"
    "[event e8]\nat = 10s\ndo = corrupt wifi 3\n"
    "[event e9]\nat = 10s\ndo = corrupt wifi for 1s\n"
    "[event e10]\nat = 10s\ndo = block wifi by server for 1s\n"
    "[event e11]\nat = 12s\ndo = unblock wifi\n"
    "[event e12]\nat = 12s\ndo = disconnect lte by client\n"
    "[event e13]\nat = 12s\ndo = inject bad-checksum wifi.down\n"
    "[event e14]\nat = 12s\ndo = inject garbage wifi\n"
    "[event e15]\nat = 12s\ndo = crash server for 1s\n"
    "[event e16]\nat = 12s\ndo = restart client\n"
    "[event e17]\nat = 12s\ndo = terminate client\n"
    "[event e18]\nat = 12s\ndo = drop-receiver web\n"
    "[event e19]\nat = 12s\ndo = close-receiver chat.down\n"
    "[event e20]\nat = 12s\ndo = slow-reader talk 1MB/s for 1s\n"
    "[event e21]\nat = 12s\ndo = partition wifi , lte for 1s\n"
    "[event e22]\nat = 12s\ndo = half-open wifi.up\n"
    "[event e22b]\nat = 12s\ndo = rebind wifi , lte\n"
    "[event e23]\nat = 12s\ndo = reset wifi repeat 2 every 3s\n"
    "[event e24]\nat = 12s\ndo = close wifi\n"
    "[event e25]\nat = 12s\ndo = refuse wifi\n"
    "[event e26]\nat = 12s\ndo = accept wifi\n"
    "[event e27]\nat = 12s\ndo = resume wifi\n"
    "[event e28]\nat = 12s\ndo = up wifi\n"
    "[event e29]\nat = 12s\ndo = remove lte\n"
    "[event e30]\nwhen = lump.delivered>=1MB\ndo = reset wifi repeat 3 every 5MB\n"
    "[expect]\nintegrity = exact\nclient.connection = fails with all-links-failed within 10s\n"
    "server.connection = terminated\nwifi = ends with link-reset within 5s\n"
    "client.lte = survives\nchat.goodput = >= 1mbit\nchat.down.messages = 1..3\n"
    "web.latency-p99 = < 150ms\nlump.ebenefit = >= -20%\nwifi.up.share = > 50%\n"
    "client.wifi.ends = 0\nserver.connection.reconnects = = 2\nsteady.delivered-bytes = 10MB\n"
    "wifi.utilisation = <= 99.5%\n";

/* The last one over everything: reading the canonical text gives the canonical text. */
static void
check_round_trip (const Scenario *scenario)
{
  g_autofree char *text = scenario_print (scenario);
  g_autoptr (Scenario) again = parse (text);
  g_autofree char *text_again = scenario_print (again);

  g_assert_cmpstr (text_again, ==, text);
  g_assert_cmpstr (again->hash, ==, scenario->hash);
  g_assert_cmpuint (strlen (scenario->hash), ==, 64);
}

static void
test_head (void)
{
  g_autoptr (Scenario) s = parse (everything);
  const CaimanConfig *client = &s->endpoint[SCENARIO_SIDE_CLIENT].config;
  const CaimanConfig *server = &s->endpoint[SCENARIO_SIDE_SERVER].config;

  g_assert_cmpstr (s->name, ==, "test");
  g_assert_cmpstr (s->title, ==, "All of it");
  g_assert_cmpstr (s->description, ==, "every key");
  g_assert_cmpstr (s->text, ==, everything);
  g_assert_null (s->path);
  g_assert_cmpint (s->duration_ns, ==, S (60));
  g_assert_cmpuint (s->seed_first, ==, 3);
  g_assert_cmpuint (s->seed_last, ==, 7);
  g_assert_true (s->ends_at_duration);
  g_assert_cmpint (s->heals_within_ns, ==, S (2));
  g_assert_cmpint (s->sample_interval_ns, ==, MS (10));
  g_assert_cmpint (s->accepts, ==, SCENARIO_ACCEPT_REFUSE);
  g_assert_cmpint (s->accept_after_ns, ==, MS (5));

  /* [config] for both, the side's own keys over it, on top of the side's preset. */
  g_assert_cmpint (s->endpoint[SCENARIO_SIDE_CLIENT].preset, ==, CAIMAN_PRESET_AGGLIGATOR_0_9);
  g_assert_cmpint (s->endpoint[SCENARIO_SIDE_SERVER].preset, ==, CAIMAN_PRESET_AGGLIGATOR_0_10);
  g_assert_cmpint (client->policy, ==, CAIMAN_POLICY_MIN_RTT);
  g_assert_cmpint (server->policy, ==, CAIMAN_POLICY_ROUND_ROBIN);
  g_assert_cmpint (client->send_buffer_bytes, ==, 20000000);
  g_assert_cmpint (server->send_buffer_bytes, ==, 20000000);
  g_assert_cmpint (client->consumed_when_empty, ==, FALSE);
  g_assert_cmpint (client->reconnect_delay_ns, ==, CAIMAN_TIME_NEVER);
  g_assert_cmpint (server->reconnect_delay_ns, ==, S (10));
  check_round_trip (s);
}

static void
test_links (void)
{
  g_autoptr (Scenario) s = parse (everything);
  const ScenarioLink *wifi = scenario_get_link (s, 0), *lte = scenario_get_link (s, 1);
  const ScenarioPath *up = &wifi->path[SCENARIO_UP], *down = &wifi->path[SCENARIO_DOWN];

  g_assert_cmpuint (s->links->len, ==, 2);
  g_assert_cmpint (scenario_find_link (s, "lte"), ==, 1);
  g_assert_cmpint (scenario_find_link (s, "dsl"), ==, -1);
  g_assert_cmpstr (wifi->name, ==, "wifi");
  g_assert_cmpint (up->rate_bps, ==, 12500000);
  g_assert_cmpint (down->rate_bps, ==, 50000000);
  g_assert_cmpint (up->delay_ns, ==, MS (10));
  g_assert_cmpint (up->jitter.kind, ==, SCENARIO_JITTER_UNIFORM);
  g_assert_cmpint (down->jitter.kind, ==, SCENARIO_JITTER_NORMAL);
  g_assert_cmpint (down->jitter.spread_ns, ==, MS (2));
  g_assert_cmpint (down->loss.kind, ==, SCENARIO_LOSS_GILBERT);
  g_assert_cmpint (down->loss.p_ppb, ==, 5000000);
  g_assert_cmpint (down->loss.r_ppb, ==, 300000000);
  g_assert_cmpint (down->loss.loss_bad_ppb, ==, SCENARIO_PPB);
  g_assert_cmpint (down->loss.loss_good_ppb, ==, 0);
  g_assert_cmpint (up->loss.loss_bad_ppb, ==, 30000000);
  g_assert_cmpint (up->loss.loss_good_ppb, ==, 40000000);
  g_assert_cmpint (down->queue.unit, ==, SCENARIO_QUEUE_TIME);
  g_assert_cmpint (down->queue.limit, ==, MS (100));
  g_assert_cmpint (up->queue.unit, ==, SCENARIO_QUEUE_PACKETS);
  g_assert_cmpint (up->queue.limit, ==, 50);
  g_assert_cmpint (wifi->terms[SCENARIO_SIDE_CLIENT].weight, ==, 3);
  g_assert_cmpint (wifi->terms[SCENARIO_SIDE_SERVER].weight, ==, 4);
  g_assert_cmpint (wifi->terms[SCENARIO_SIDE_SERVER].cost, ==, 1);
  g_assert_cmpint (wifi->terms[SCENARIO_SIDE_SERVER].quota_bytes, ==, 1000000000);
  g_assert_cmpint (wifi->terms[SCENARIO_SIDE_CLIENT].quota_period_ns, ==, S (3600));
  g_assert_cmpint (wifi->receive_buffer_bytes, ==, 1 << 20);
  g_assert_cmpint (wifi->starts_ns, ==, S (2));
  g_assert_cmpint (wifi->reconnect_delay_ns, ==, S (1));
  g_assert_cmpint (wifi->connect_timeout_ns, ==, S (3));
  g_assert_true (wifi->refused_by[SCENARIO_SIDE_SERVER]);
  g_assert_false (wifi->refused_by[SCENARIO_SIDE_CLIENT]);

  g_assert_cmpint (lte->carrier, ==, SCENARIO_CARRIER_TCP);
  g_assert_cmpint (lte->tcp.congestion, ==, SCENARIO_CONGESTION_BBR);
  g_assert_cmpint (lte->tcp.initial_window, ==, 4);
  g_assert_cmpint (lte->tcp.send_buffer_bytes, ==, 1 << 20);
  g_assert_cmpint (lte->tcp.user_timeout_ns, ==, S (30));
  g_assert_cmpint (lte->receive_buffer_bytes, ==, SCENARIO_BUFFER_AUTO);
  g_assert_cmpint (lte->path[0].rate_bps, ==, SCENARIO_RATE_UNLIMITED);
  g_assert_cmpint (lte->path[SCENARIO_UP].loss.kind, ==, SCENARIO_LOSS_MASK);
  g_assert_cmpuint (lte->path[SCENARIO_UP].loss.mask, ==, 6);
  g_assert_cmpuint (lte->path[SCENARIO_UP].loss.mask_len, ==, 4);
  g_assert_cmpint (lte->path[SCENARIO_DOWN].loss.kind, ==, SCENARIO_LOSS_BERNOULLI);
  g_assert_cmpint (lte->path[SCENARIO_DOWN].loss.p_ppb, ==, 20000000);
  g_assert_cmpint (lte->path[SCENARIO_DOWN].queue.unit, ==, SCENARIO_QUEUE_BYTES);
  g_assert_cmpint (lte->starts_ns, ==, CAIMAN_TIME_NEVER);
  g_assert_true (lte->refused_by[SCENARIO_SIDE_CLIENT]);
  /* Not given: the client's, which is never here. */
  g_assert_cmpint (lte->reconnect_delay_ns, ==, CAIMAN_TIME_NEVER);
}

static void
test_flows (void)
{
  g_autoptr (Scenario) s = parse (everything);
  const ScenarioFlow *up = scenario_get_flow (s, 0), *down = scenario_get_flow (s, 1);
  const ScenarioFlow *web = scenario_get_flow (s, scenario_find_flow (s, "web"));
  const ScenarioFlow *lump = scenario_get_flow (s, scenario_find_flow (s, "lump"));
  const ScenarioFlow *talk = scenario_get_flow (s, scenario_find_flow (s, "talk"));
  const ScenarioFlow *steady = scenario_get_flow (s, scenario_find_flow (s, "steady"));

  g_assert_cmpuint (s->flows->len, ==, 6);
  g_assert_cmpstr (up->name, ==, "chat.up");
  g_assert_cmpstr (down->name, ==, "chat.down");
  g_assert_cmpstr (down->group, ==, "chat");
  g_assert_true (up->is_paired && down->is_paired && !web->is_paired);
  g_assert_cmpint (up->from, ==, SCENARIO_SIDE_CLIENT);
  g_assert_cmpint (down->from, ==, SCENARIO_SIDE_SERVER);
  g_assert_cmpint (down->count, ==, 1000);
  g_assert_cmpint (down->message_size.kind, ==, SCENARIO_SIZE_UNIFORM);
  g_assert_cmpint (down->message_size.min_bytes, ==, 1000);
  g_assert_cmpint (down->message_size.max_bytes, ==, 2000);
  g_assert_cmpint (down->interval_ns, ==, MS (1));
  g_assert_cmpint (down->starts_ns, ==, S (1));
  g_assert_cmpint (down->stops_ns, ==, S (50));
  g_assert_cmpint (down->close, ==, SCENARIO_CLOSE_LATE);
  g_assert_cmpint (down->close_delay_ns, ==, S (5));
  g_assert_cmpint (down->reader_rate_bps, ==, 1000000);
  g_assert_cmpint (down->reader_starts_ns, ==, S (2));

  g_assert_cmpint (web->mode, ==, SCENARIO_MODE_MESSAGES);
  g_assert_cmpint (web->request_size.kind, ==, SCENARIO_SIZE_LIST);
  g_assert_cmpuint (web->request_size.n_sizes, ==, 3);
  g_assert_cmpint (web->request_size.min_bytes, ==, 1000);
  g_assert_cmpint (web->request_size.max_bytes, ==, 3000);
  g_assert_cmpint (web->response_size.kind, ==, SCENARIO_SIZE_PARETO);
  g_assert_cmpint (web->think_time_ns, ==, MS (10));
  g_assert_cmpint (web->close, ==, SCENARIO_CLOSE_NORMAL);
  g_assert_cmpint (web->reader_rate_bps, ==, SCENARIO_RATE_UNLIMITED);

  g_assert_cmpint (lump->bytes, ==, G_MAXINT64);
  g_assert_cmpint (lump->message_size.kind, ==, SCENARIO_SIZE_EXPONENTIAL);
  g_assert_cmpint (lump->message_size.mean_bytes, ==, 1000);
  g_assert_cmpint (lump->message_size.min_bytes, ==, 1);
  g_assert_cmpint (lump->message_size.max_bytes, ==, 65536);
  g_assert_cmpint (talk->on_ns, ==, S (1));
  g_assert_cmpint (talk->off_ns, ==, S (2));
  g_assert_cmpint (talk->rate_bps, ==, 64000);
  g_assert_cmpint (talk->message_size.sizes[0], ==, 1400);
  g_assert_cmpint (talk->stops_ns, ==, CAIMAN_TIME_NEVER);
  g_assert_cmpint (steady->close, ==, SCENARIO_CLOSE_NEVER);
  g_assert_cmpint (steady->count, ==, G_MAXINT64);
}

static const ScenarioEvent *
find_event (const Scenario *s, const char *name)
{
  int index = scenario_find_event (s, name);
  g_assert_cmpint (index, >=, 0);
  return scenario_get_event (s, index);
}

static const ScenarioTarget *
get_target (const ScenarioEvent *event, guint index)
{
  g_assert_cmpuint (index, <, event->targets->len);
  return &g_array_index (event->targets, ScenarioTarget, index);
}

static void
test_triggers (void)
{
  g_autoptr (Scenario) s = parse (everything);

  g_assert_cmpint (find_event (s, "e1")->trigger, ==, SCENARIO_TRIGGER_AT);
  g_assert_cmpint (find_event (s, "e1")->trigger_ns, ==, S (4));
  g_assert_cmpint (find_event (s, "e2")->trigger, ==, SCENARIO_TRIGGER_DELIVERED);
  g_assert_cmpint (find_event (s, "e2")->threshold, ==, 20000000);
  g_assert_cmpuint (find_event (s, "e2")->trigger_flow, ==, (guint)scenario_find_flow (s, "lump"));
  g_assert_cmpint (find_event (s, "e2")->every_ns, ==, S (10));
  g_assert_cmpint (find_event (s, "e2")->repeat, ==, 3);
  g_assert_cmpint (find_event (s, "e3")->trigger, ==, SCENARIO_TRIGGER_MESSAGES);
  g_assert_cmpint (find_event (s, "e3")->every_progress, ==, 100);
  g_assert_cmpint (find_event (s, "e3")->every_ns, ==, 0);
  g_assert_cmpint (find_event (s, "e4")->trigger, ==, SCENARIO_TRIGGER_AFTER);
  g_assert_cmpuint (find_event (s, "e4")->trigger_event, ==, (guint)scenario_find_event (s, "e5"));
  g_assert_cmpint (find_event (s, "e4")->trigger_ns, ==, S (2));
  g_assert_cmpint (find_event (s, "e5")->trigger_ns, ==, 0);
  g_assert_cmpint (find_event (s, "e30")->every_progress, ==, 5000000);
}

static void
test_actions (void)
{
  g_autoptr (Scenario) s = parse (everything);
  const ScenarioEvent *set = find_event (s, "e4");
  const ScenarioEvent *flap = find_event (s, "e6");

  g_assert_cmpint (find_event (s, "e1")->verb, ==, SCENARIO_VERB_BLACKHOLE);
  g_assert_cmpint (find_event (s, "e1")->for_ns, ==, S (5));
  g_assert_cmpint (get_target (find_event (s, "e1"), 0)->directions, ==, SCENARIO_BOTH);
  g_assert_cmpint (get_target (find_event (s, "e3"), 0)->directions, ==, SCENARIO_ONLY_UP);

  g_assert_cmpuint (set->targets->len, ==, 2);
  g_assert_cmpint (get_target (set, 0)->directions, ==, SCENARIO_ONLY_DOWN);
  g_assert_cmpuint (get_target (set, 1)->link, ==, 1);
  g_assert_cmpuint (set->set_mask, ==,
                    SCENARIO_SET_RATE | SCENARIO_SET_DELAY | SCENARIO_SET_JITTER |
                        SCENARIO_SET_LOSS | SCENARIO_SET_QUEUE);
  g_assert_cmpint (set->set_path.rate_bps, ==, 1000000);
  g_assert_cmpint (set->set_path.delay_ns, ==, MS (5));
  g_assert_cmpint (set->set_path.loss.kind, ==, SCENARIO_LOSS_GILBERT);
  g_assert_cmpint (set->set_path.queue.limit, ==, 9);

  g_assert_cmpint (flap->on_ns, ==, S (1));
  g_assert_cmpint (flap->off_ns, ==, MS (500));
  g_assert_cmpint (flap->for_ns, ==, S (6));
  g_assert_cmpuint (find_event (s, "e7")->targets->len, ==, 2);
  g_assert_cmpint (get_target (find_event (s, "e7"), 1)->directions, ==, SCENARIO_ONLY_DOWN);
  g_assert_cmpint (find_event (s, "e7")->corrupt_frames, ==, 1);
  g_assert_cmpint (find_event (s, "e8")->corrupt_frames, ==, 3);
  g_assert_cmpint (find_event (s, "e9")->corrupt_frames, ==, 0);
  g_assert_cmpint (find_event (s, "e10")->side, ==, SCENARIO_SIDE_SERVER);
  g_assert_cmpint (find_event (s, "e11")->side, ==, SCENARIO_SIDE_CLIENT);
  g_assert_cmpint (find_event (s, "e13")->inject, ==, SCENARIO_INJECT_BAD_CHECKSUM);
  g_assert_cmpint (get_target (find_event (s, "e13"), 0)->directions, ==, SCENARIO_ONLY_DOWN);
  g_assert_cmpint (get_target (find_event (s, "e14"), 0)->directions, ==, SCENARIO_ONLY_UP);
  g_assert_cmpint (find_event (s, "e15")->target_kind, ==, SCENARIO_TARGET_ENDPOINT);
  g_assert_cmpint (find_event (s, "e15")->side, ==, SCENARIO_SIDE_SERVER);
  g_assert_cmpint (find_event (s, "e18")->target_kind, ==, SCENARIO_TARGET_FLOW);
  g_assert_cmpuint (find_event (s, "e18")->flow, ==, (guint)scenario_find_flow (s, "web"));
  g_assert_cmpint (find_event (s, "e20")->reader_rate_bps, ==, 8000000);
  g_assert_cmpint (find_event (s, "e20")->repeat, ==, 1);
  g_assert_cmpuint (find_event (s, "e21")->targets->len, ==, 2);
  g_assert_cmpint (find_event (s, "e22")->for_ns, ==, CAIMAN_TIME_NEVER);
  g_assert_cmpint (scenario_find_event (s, "e99"), ==, -1);
}

/* Name, bound, and kind of each expectation, in order. */
static void
test_expects (void)
{
  static const struct {
    const char *name, *text;
    ScenarioExpectKind kind;
  } expected[] = {
    { "integrity", "exact", SCENARIO_EXPECT_INTEGRITY },
    { "client.connection", "fails with all-links-failed within 10s", SCENARIO_EXPECT_OUTCOME },
    { "server.connection", "fails with terminated", SCENARIO_EXPECT_OUTCOME },
    { "wifi", "ends with link-reset within 5s", SCENARIO_EXPECT_OUTCOME },
    { "client.lte", "survives", SCENARIO_EXPECT_OUTCOME },
    { "chat.up.goodput", ">= 1mbit", SCENARIO_EXPECT_METRIC },
    { "chat.down.goodput", ">= 1mbit", SCENARIO_EXPECT_METRIC },
    { "chat.down.messages", "1..3", SCENARIO_EXPECT_METRIC },
    { "web.latency-p99", "< 150ms", SCENARIO_EXPECT_METRIC },
    { "lump.ebenefit", ">= -20%", SCENARIO_EXPECT_METRIC },
    { "wifi.up.share", "> 50%", SCENARIO_EXPECT_METRIC },
    { "client.wifi.ends", "0", SCENARIO_EXPECT_METRIC },
    { "server.connection.reconnects", "2", SCENARIO_EXPECT_METRIC },
    { "steady.delivered-bytes", "10MB", SCENARIO_EXPECT_METRIC },
    { "wifi.utilisation", "<= 99.5%", SCENARIO_EXPECT_METRIC },
  };
  g_autoptr (Scenario) s = parse (everything);

  g_assert_cmpuint (s->expects->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < s->expects->len; i++) {
    const ScenarioExpect *expect = scenario_get_expect (s, i);
    g_assert_cmpstr (expect->name, ==, expected[i].name);
    g_assert_cmpstr (expect->text, ==, expected[i].text);
    g_assert_cmpint (expect->kind, ==, expected[i].kind);
    g_assert_cmpuint (expect->line, >, 0);
  }
  const ScenarioExpect *client = scenario_get_expect (s, 1);
  g_assert_cmpint (client->view, ==, SCENARIO_VIEW_CLIENT);
  g_assert_cmpint (client->reason, ==, CAIMAN_REASON_ALL_LINKS_FAILED);
  g_assert_cmpint (client->within_ns, ==, S (10));
  const ScenarioExpect *link = scenario_get_expect (s, 3);
  g_assert_cmpint (link->subject, ==, SCENARIO_SUBJECT_LINK);
  g_assert_cmpint (link->reason, ==, CAIMAN_REASON_LINK_RESET);
  const ScenarioExpect *range = scenario_get_expect (s, 7);
  g_assert_cmpuint (range->index, ==, 1);
  g_assert_cmpint (range->op, ==, SCENARIO_OP_RANGE);
  g_assert_cmpint (range->value_max, ==, 3);
  g_assert_cmpint (scenario_get_expect (s, 9)->value, ==, -SCENARIO_PPB / 5);
  g_assert_cmpint (scenario_get_expect (s, 10)->directions, ==, SCENARIO_ONLY_UP);
}

static void
test_defaults (void)
{
  g_autoptr (Scenario) s = parse (HEAD "[link a]\nrate = 1mbit\n");
  const ScenarioPath *path = &scenario_get_link (s, 0)->path[SCENARIO_DOWN];
  const ScenarioLink *link = scenario_get_link (s, 0);
  CaimanConfig config;

  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  g_assert_cmpmem (&s->endpoint[0].config, sizeof config, &config, sizeof config);
  g_assert_cmpmem (&s->endpoint[1].config, sizeof config, &config, sizeof config);
  g_assert_cmpstr (s->title, ==, "test");
  g_assert_cmpstr (s->description, ==, "");
  g_assert_cmpuint (s->seed_first, ==, 1);
  g_assert_cmpuint (s->seed_last, ==, 1);
  g_assert_false (s->ends_at_duration);
  g_assert_cmpint (s->heals_within_ns, ==, S (5));
  g_assert_cmpint (s->sample_interval_ns, ==, MS (100));
  g_assert_cmpint (path->delay_ns, ==, 0);
  g_assert_cmpint (path->jitter.kind, ==, SCENARIO_JITTER_NONE);
  g_assert_cmpint (path->loss.kind, ==, SCENARIO_LOSS_NONE);
  g_assert_cmpint (path->queue.unit, ==, SCENARIO_QUEUE_TIME);
  g_assert_cmpint (path->queue.limit, ==, MS (50));
  g_assert_cmpint (link->receive_buffer_bytes, ==, 256 * 1024);
  g_assert_cmpint (link->starts_ns, ==, 0);
  g_assert_cmpint (link->reconnect_delay_ns, ==, S (10));
  g_assert_cmpint (link->terms[0].weight, ==, 1);
  g_assert_cmpint (link->terms[0].quota_bytes, ==, 0);
  g_assert_cmpint (link->terms[0].quota_period_ns, ==, 0);
  g_assert_cmpint (s->accepts, ==, SCENARIO_ACCEPT_YES);
  g_assert_cmpuint (s->expects->len, ==, 2);
  g_assert_cmpstr (scenario_get_expect (s, 1)->name, ==, "connection");
  g_assert_cmpint (scenario_get_expect (s, 1)->view, ==, SCENARIO_VIEW_ANY);
  g_assert_cmpint (scenario_get_expect (s, 1)->within_ns, ==, CAIMAN_TIME_NEVER);
  check_round_trip (s);
}

/* "connection" is for both sides; a side's own word goes over it. */
static void
test_outcomes (void)
{
  g_autoptr (Scenario) both = parse (HEAD "[link a]\nrate = 1mbit\n[expect]\n"
                                          "connection = fails with refused within 1s\n");
  g_assert_cmpuint (both->expects->len, ==, 2);
  g_assert_cmpint (scenario_get_expect (both, 1)->reason, ==, CAIMAN_REASON_REFUSED);
  g_assert_cmpstr (scenario_get_expect (both, 1)->text, ==, "fails with refused within 1s");
  check_round_trip (both);

  g_autoptr (Scenario) one = parse (HEAD "[link a]\nrate = 1mbit\n[expect]\n"
                                         "connection = terminated\nserver.connection = survives\n");
  g_assert_cmpuint (one->expects->len, ==, 3);
  g_assert_cmpstr (scenario_get_expect (one, 1)->name, ==, "client.connection");
  g_assert_cmpint (scenario_get_expect (one, 1)->reason, ==, CAIMAN_REASON_TERMINATED);
  g_assert_cmpint (scenario_get_expect (one, 2)->reason, ==, CAIMAN_REASON_NONE);
  check_round_trip (one);

  /* A close that never comes is fine where the connection is to fail. */
  g_autoptr (Scenario) failing =
      parse (HEAD "[link a]\nrate = 1mbit\n[traffic t]\nfrom = client\nkind = bulk\nbytes = 1MB\n"
                  "close = never\n[expect]\nconnection = terminated\n");
  g_assert_cmpint (scenario_get_flow (failing, 0)->close, ==, SCENARIO_CLOSE_NEVER);
}

/* A key that changes what runs changes the hash; one that says a default aloud does not. */
static void
test_hash (void)
{
  g_autoptr (Scenario) a = parse (HEAD "[link a]\nrate = 1mbit\n");
  g_autoptr (Scenario) same = parse (HEAD "# why\n[link a]\nrate = 1000kbit\nqueue = 50ms\n");
  g_autoptr (Scenario) other = parse (HEAD "[link a]\nrate = 1mbit\ndelay = 1ms\n");

  g_assert_cmpstr (a->hash, ==, same->hash);
  g_assert_cmpstr (a->hash, !=, other->hash);
}

static void
test_presets (void)
{
  gsize n_presets;
  const LinkPreset *presets = link_presets_get (&n_presets);

  g_assert_cmpuint (g_strv_length ((char **)link_presets_get_names ()), ==, n_presets);
  for (gsize i = 0; i < n_presets; i++) {
    g_autofree char *text = g_strdup_printf (HEAD "[link a]\npreset = %s\n", presets[i].name);
    g_autoptr (Scenario) s = parse (text);
    g_assert_cmpstr (link_presets_get_names ()[i], ==, presets[i].name);
    g_assert_cmpint (scenario_get_link (s, 0)->path[SCENARIO_UP].delay_ns, >, 0);
    g_assert_cmpint (strlen (presets[i].about), >, 0);
    check_round_trip (s);
  }

  /* The link's own keys win, also a plain one over the preset's two directions. */
  g_autoptr (Scenario) s = parse (HEAD "[link a]\nrate = 5mbit\npreset = dsl\nup.delay = 1ms\n");
  const ScenarioLink *link = scenario_get_link (s, 0);
  g_assert_cmpint (link->path[SCENARIO_UP].rate_bps, ==, 5000000);
  g_assert_cmpint (link->path[SCENARIO_DOWN].rate_bps, ==, 5000000);
  g_assert_cmpint (link->path[SCENARIO_UP].delay_ns, ==, MS (1));
  g_assert_cmpint (link->path[SCENARIO_DOWN].delay_ns, ==, MS (14));
}

static void
test_bounds (void)
{
  static const struct {
    const char *text;
    gint64 fails, holds; /* values on either side */
  } bounds[] = {
    { ">= 10", 9, 10 }, { "<= 10", 11, 10 }, { "> 10", 10, 11 },
    { "< 10", 10, 9 },  { "= 10", 9, 10 },   { "10", 11, 10 },
    { "3..5", 2, 3 },   { "3 .. 5", 6, 5 },  { ">=10", 9, 10 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bounds); i++) {
    ScenarioExpect expect = { 0 };
    ScenarioOp op;
    gint64 value, value_max;
    g_autofree char *problem = expect_parse_bound (bounds[i].text, METRIC_UNIT_COUNT, &expect.op,
                                                   &expect.value, &expect.value_max);
    g_assert_cmpstr (problem, ==, NULL);
    g_assert_false (expect_holds (&expect, bounds[i].fails));
    g_assert_true (expect_holds (&expect, bounds[i].holds));
    g_autofree char *text =
        expect_format_bound (METRIC_UNIT_COUNT, expect.op, expect.value, expect.value_max);
    g_autofree char *again = expect_parse_bound (text, METRIC_UNIT_COUNT, &op, &value, &value_max);
    g_assert_cmpstr (again, ==, NULL);
    g_assert_cmpint (op, ==, expect.op);
    g_assert_cmpint (value, ==, expect.value);
    g_assert_cmpint (value_max, ==, expect.value_max);
  }
}

static void
test_metrics (void)
{
  gsize n_metrics;
  const MetricInfo *metrics = metrics_registry_get (&n_metrics);

  for (gsize i = 0; i < n_metrics; i++) {
    /* Each name once per subject, with a meaning and a unit. */
    g_assert_true (metrics_registry_find (metrics[i].subject, metrics[i].name) == &metrics[i]);
    g_assert_cmpint (strlen (metrics[i].meaning), >, 10);
    g_assert_cmpint (strlen (metric_unit_to_string (metrics[i].unit)), >, 0);
    g_assert_cmpstr (metrics_registry_suggest (metrics[i].subject, metrics[i].name), ==,
                     metrics[i].name);
  }
  g_assert_null (metrics_registry_find (SCENARIO_SUBJECT_LINK, "goodput"));
  g_assert_null (metrics_registry_suggest (SCENARIO_SUBJECT_LINK, "zzzzzzz"));
}

static void
test_names (void)
{
  g_assert_cmpstr (scenario_carrier_to_string (SCENARIO_CARRIER_TCP), ==, "tcp");
  g_assert_cmpstr (scenario_side_to_string (SCENARIO_SIDE_SERVER), ==, "server");
  g_assert_cmpstr (scenario_traffic_kind_to_string (SCENARIO_TRAFFIC_ON_OFF), ==, "on-off");
  g_assert_cmpstr (scenario_verb_to_string (SCENARIO_VERB_SLOW_READER), ==, "slow-reader");
  g_assert_cmpstr (scenario_inject_to_string (SCENARIO_INJECT_SEQUENCE_TOO_FAR), ==,
                   "sequence-too-far");
  scenario_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/scenario/head", test_head);
  g_test_add_func ("/harness/scenario/links", test_links);
  g_test_add_func ("/harness/scenario/flows", test_flows);
  g_test_add_func ("/harness/scenario/triggers", test_triggers);
  g_test_add_func ("/harness/scenario/actions", test_actions);
  g_test_add_func ("/harness/scenario/expects", test_expects);
  g_test_add_func ("/harness/scenario/defaults", test_defaults);
  g_test_add_func ("/harness/scenario/outcomes", test_outcomes);
  g_test_add_func ("/harness/scenario/hash", test_hash);
  g_test_add_func ("/harness/scenario/presets", test_presets);
  g_test_add_func ("/harness/scenario/bounds", test_bounds);
  g_test_add_func ("/harness/scenario/metrics", test_metrics);
  g_test_add_func ("/harness/scenario/names", test_names);
  return g_test_run ();
}
