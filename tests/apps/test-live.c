/* SPDX-License-Identifier: Apache-2.0 */
/* test-live.c - the snapshot of live connections, and its way through JSON. */
#include "apps/live-json.h"
#include "apps/live-text.h"
#include "apps/live.h"
#include "tests/core/duo.h"

static LiveConnection *
connection_at (const LiveSnapshot *snapshot, guint i)
{
  g_assert_cmpuint (i, <, snapshot->connections->len);
  return g_ptr_array_index (snapshot->connections, i);
}

static LiveLink *
link_at (const LiveConnection *connection, guint i)
{
  g_assert_cmpuint (i, <, connection->links->len);
  return g_ptr_array_index (connection->links, i);
}

/* Two links, the client's end watched. */
static Duo *
start (Live **live_out)
{
  const CaimanLinkInfo wifi = { .name = "wifi", .local = "wlan0", .remote = "192.0.2.1" };
  const CaimanLinkInfo lte = { .name = "lte", .local = "wwan0", .remote = "192.0.2.1" };
  Duo *d = duo_new (NULL, NULL);
  *live_out = live_new ("tunnel client", d->now_ns);
  live_add (*live_out, 1, d->client, "a -> b", d->now_ns);
  duo_add_link_full (d, &wifi, MS (10), NULL);
  duo_add_link_full (d, &lte, MS (40), NULL);
  duo_advance (d, MS (500));
  return d;
}

static void
test_links (void)
{
  g_autoptr (Live) live = NULL;
  g_autoptr (Duo) d = start (&live);
  duo_send (d, "hello");
  duo_advance (d, MS (100));
  const LiveSnapshot *snapshot = live_sample (live, d->now_ns);

  g_assert_cmpstr (snapshot->title, ==, "tunnel client");
  g_assert_cmpuint (snapshot->n_opened, ==, 1);
  g_assert_cmpuint (snapshot->n_live, ==, 1);
  g_assert_cmpuint (snapshot->total_sent_bytes, ==, 5);
  const LiveConnection *connection = connection_at (snapshot, 0);
  g_assert_cmpstr (connection->label, ==, "a -> b");
  g_assert_cmpint (connection->state, ==, CAIMAN_CONNECTION_OPEN);
  g_assert_cmpint (connection->age_ns, ==, MS (600));
  g_assert_cmpint (connection->ended_ago_ns, ==, -1);
  const LiveLink *wifi = link_at (connection, 0);
  g_assert_cmpstr (wifi->name, ==, "wifi");
  g_assert_cmpstr (wifi->local, ==, "wlan0");
  g_assert_cmpstr (wifi->remote, ==, "192.0.2.1");
  g_assert_cmpstr (live_link_describe (wifi), ==, "working");
  g_assert_cmpint (wifi->srtt_ns, ==, MS (20));
  g_assert_cmpint (wifi->window_bytes, >, 0);
  g_assert_cmpint (wifi->closed_ago_ns, ==, -1);
  g_assert_cmpstr (link_at (connection, 1)->name, ==, "lte");
}

static void
test_block_and_disconnect (void)
{
  g_autoptr (Live) live = NULL;
  g_autoptr (Duo) d = start (&live);
  g_autoptr (GError) error = NULL;
  LiveCommand command = { .action = LIVE_BLOCK, .link_name = "wifi" };

  g_assert_cmpuint (live_command (live, &command, NULL, NULL, d->now_ns, &error), ==, 1);
  g_assert_no_error (error);
  duo_advance (d, MS (100));
  const LiveLink *wifi = link_at (connection_at (live_sample (live, d->now_ns), 0), 0);
  g_assert_true (wifi->is_blocked_local);
  g_assert_cmpstr (live_link_describe (wifi), ==, "blocked");

  command = (LiveCommand) { .action = LIVE_UNBLOCK, .connection = 1, .link_id = wifi->id };
  g_assert_cmpuint (live_command (live, &command, NULL, NULL, d->now_ns, &error), ==, 1);
  duo_block (d, DUO_SERVER, 1);
  duo_advance (d, MS (100));
  wifi = link_at (connection_at (live_sample (live, d->now_ns), 0), 0);
  g_assert_false (wifi->is_blocked_local);
  g_assert_cmpstr (live_link_describe (wifi), ==, "blocked by peer");

  command.action = LIVE_DISCONNECT;
  g_assert_cmpuint (live_command (live, &command, NULL, NULL, d->now_ns, &error), ==, 1);
  duo_advance (d, S (1));
  wifi = link_at (connection_at (live_sample (live, d->now_ns), 0), 0);
  g_assert_cmpint (wifi->state, ==, CAIMAN_LINK_CLOSED);
  g_assert_cmpstr (live_link_describe (wifi), ==, "disconnected");
  g_assert_cmpint (wifi->closed_ago_ns, >=, 0);
}

static void
count_touch (gpointer user_data, guint64 number)
{
  guint64 *last = user_data;
  *last = number;
}

static void
test_commands_that_miss (void)
{
  static const struct {
    LiveCommand command;
    const char *message;
  } cases[] = {
    { { .link_name = "dsl" }, "there is no link 'dsl'" },
    { { .connection = 7, .link_id = 1 }, "there is no connection 7" },
    { { .connection = 1, .link_id = 99 }, "there is no link 99" },
  };
  g_autoptr (Live) live = NULL;
  g_autoptr (Duo) d = start (&live);
  guint64 touched = 0;
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_cmpuint (
        live_command (live, &cases[i].command, count_touch, &touched, d->now_ns, &error), ==, 0);
    g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT);
    g_assert_cmpstr (error->message, ==, cases[i].message);
  }
  g_assert_cmpuint (touched, ==, 0);
  live_command (live, &(LiveCommand) { .link_name = "lte" }, count_touch, &touched, d->now_ns,
                NULL);
  g_assert_cmpuint (touched, ==, 1);
}

/* A link that has closed can be seen for a while, and then goes. */
static void
test_closed_link_lingers (void)
{
  g_autoptr (Live) live = NULL;
  g_autoptr (Duo) d = start (&live);
  live_sample (live, d->now_ns);
  duo_drop_link (d, 2);
  duo_advance (d, MS (10));
  const LiveConnection *connection = connection_at (live_sample (live, d->now_ns), 0);
  g_assert_cmpuint (connection->links->len, ==, 2);
  g_assert_cmpstr (live_link_describe (link_at (connection, 1)), ==, "reset");
  g_assert_cmpint (link_at (connection, 1)->in_flight_bytes, ==, 0);
  duo_advance (d, LIVE_LINGER_NS / 2);
  connection = connection_at (live_sample (live, d->now_ns), 0);
  g_assert_cmpint (link_at (connection, 1)->closed_ago_ns, ==, LIVE_LINGER_NS / 2);
  duo_advance (d, LIVE_LINGER_NS / 2);
  g_assert_cmpuint (connection_at (live_sample (live, d->now_ns), 0)->links->len, ==, 1);
}

/* It goes at once when another link over the same path works. */
static void
test_successor_replaces_closed_link (void)
{
  const CaimanLinkInfo lte = { .name = "lte", .local = "wwan0", .remote = "192.0.2.1" };
  g_autoptr (Live) live = NULL;
  g_autoptr (Duo) d = start (&live);
  live_sample (live, d->now_ns);
  duo_drop_link (d, 2);
  live_sample (live, d->now_ns);
  duo_add_link_full (d, &lte, MS (40), NULL);
  duo_advance (d, S (1));
  const LiveConnection *connection = connection_at (live_sample (live, d->now_ns), 0);
  g_assert_cmpuint (connection->links->len, ==, 2);
  g_assert_cmpstr (live_link_describe (link_at (connection, 1)), ==, "working");
  g_assert_cmpuint (link_at (connection, 1)->id, ==, 3);
}

/* A link that flaps leaves no more than a few behind. */
static void
test_closed_links_are_bounded (void)
{
  g_autoptr (Live) live = NULL;
  g_autoptr (Duo) d = start (&live);
  for (guint i = 0; i < 3 * LIVE_CLOSED_LINKS_MAX; i++) {
    g_autofree char *name = g_strdup_printf ("flap%u", i);
    guint link = duo_add_link (d, name, MS (1));
    duo_advance (d, MS (10));
    live_sample (live, d->now_ns);
    duo_drop_link (d, link);
  }
  const LiveConnection *connection = connection_at (live_sample (live, d->now_ns), 0);
  g_assert_cmpuint (connection->links->len, ==, 2 + LIVE_CLOSED_LINKS_MAX);
  g_autofree char *last = g_strdup_printf ("flap%u", 3 * LIVE_CLOSED_LINKS_MAX - 1);
  g_assert_cmpstr (link_at (connection, 1 + LIVE_CLOSED_LINKS_MAX)->name, ==, last);
}

/* What comes and goes between two samples is seen through its events. */
static void
test_event_between_samples (void)
{
  g_autoptr (Live) live = NULL;
  g_autoptr (Duo) d = start (&live);
  live_sample (live, d->now_ns);
  guint number = duo_add_link (d, "short", MS (1));
  duo_advance (d, MS (10));
  g_autoptr (CaimanLink) link = caiman_link_ref (duo_get_link (d, DUO_CLIENT, number));
  CaimanEvent event = { .type = CAIMAN_EVENT_LINK_STATE, .link = link };
  live_event (live, 1, &event, d->now_ns);
  duo_drop_link (d, number);
  event.type = CAIMAN_EVENT_LINK_CLOSE;
  live_event (live, 1, &event, d->now_ns);
  event.type = CAIMAN_EVENT_READABLE; /* not about a link: nothing to do */
  live_event (live, 1, &event, d->now_ns);
  live_event (live, 9, &event, d->now_ns);
  const LiveConnection *connection = connection_at (live_sample (live, d->now_ns), 0);
  g_assert_cmpstr (link_at (connection, 2)->name, ==, "short");
  g_assert_cmpint (link_at (connection, 2)->state, ==, CAIMAN_LINK_CLOSED);
}

static void
test_ended_connection_lingers (void)
{
  g_autoptr (Live) live = NULL;
  g_autoptr (Duo) d = start (&live);
  duo_send (d, "12345");
  duo_advance (d, MS (100));
  duo_close (d, DUO_CLIENT);
  duo_close (d, DUO_SERVER);
  g_assert_true (duo_run_until_ended (d, S (10)));
  gint64 ended_ns = d->now_ns;
  live_remove (live, 1, ended_ns);
  live_remove (live, 1, ended_ns); /* is gone already */
  live_set_label (live, 1, "late");

  const LiveSnapshot *snapshot = live_sample (live, ended_ns + S (1));
  const LiveConnection *connection = connection_at (snapshot, 0);
  g_assert_cmpint (connection->state, ==, CAIMAN_CONNECTION_ENDED);
  g_assert_cmpint (connection->reason, ==, CAIMAN_REASON_FINISHED);
  g_assert_cmpint (connection->ended_ago_ns, ==, S (1));
  g_assert_cmpstr (connection->label, ==, "a -> b");
  g_assert_cmpuint (snapshot->n_live, ==, 0);
  g_assert_cmpuint (snapshot->total_sent_bytes, ==, 5);
  snapshot = live_sample (live, ended_ns + LIVE_LINGER_NS);
  g_assert_cmpuint (snapshot->connections->len, ==, 0);
  g_assert_cmpuint (snapshot->n_opened, ==, 1);
  g_assert_cmpuint (snapshot->total_sent_bytes, ==, 5);
}

/* One that is freed while it lives, as at the end of the process. */
static void
test_removed_alive (void)
{
  g_autoptr (Live) live = NULL;
  g_autoptr (Duo) d = start (&live);
  live_set_label (live, 1, "port 22");
  live_remove (live, 1, d->now_ns);
  const LiveConnection *connection = connection_at (live_sample (live, d->now_ns), 0);
  g_assert_cmpint (connection->state, ==, CAIMAN_CONNECTION_ENDED);
  g_assert_cmpint (connection->reason, ==, CAIMAN_REASON_TERMINATED);
  g_assert_cmpstr (connection->label, ==, "port 22");
  for (guint i = 0; i < connection->links->len; i++)
    g_assert_cmpint (link_at (connection, i)->state, ==, CAIMAN_LINK_CLOSED);
}

static void
test_ended_connections_are_bounded (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  g_autoptr (Live) live = live_new ("x", d->now_ns);
  for (guint i = 1; i <= 3 * LIVE_ENDED_CONNECTIONS_MAX; i++) {
    live_add (live, i, d->client, "same", d->now_ns);
    live_remove (live, i, d->now_ns);
  }
  const LiveSnapshot *snapshot = live_sample (live, d->now_ns);
  g_assert_cmpuint (snapshot->connections->len, ==, LIVE_ENDED_CONNECTIONS_MAX);
  g_assert_cmpuint (connection_at (snapshot, 0)->number, ==, 2 * LIVE_ENDED_CONNECTIONS_MAX + 1);
}

/* The history is made of means over whole seconds, whenever samples are taken. */
static void
test_history (void)
{
  g_autoptr (Live) live = NULL;
  g_autoptr (Duo) d = start (&live);
  live_sample (live, d->now_ns);
  duo_advance (d, MS (500));
  live_sample (live, d->now_ns); /* one second */
  g_autofree char *text = g_strnfill (1000, 'x');
  duo_send (d, text);
  for (guint i = 0; i < 4; i++) {
    duo_advance (d, MS (250));
    live_sample (live, d->now_ns);
  }
  const LiveConnection *connection = connection_at (live_sample (live, d->now_ns), 0);
  const LiveHistory *history = &connection->history;
  g_assert_cmpuint (history->n, ==, 2);
  g_assert_cmpint (history->sent_bps[0], ==, 0);
  g_assert_cmpint (history->sent_bps[1], >=, 8000);
  g_assert_cmpint (history->received_bps[1], ==, 0);
  for (guint i = 0; i < 2 * LIVE_HISTORY_MAX; i++) {
    duo_advance (d, S (1));
    live_sample (live, d->now_ns);
  }
  connection = connection_at (live_sample (live, d->now_ns), 0);
  g_assert_cmpuint (connection->history.n, ==, LIVE_HISTORY_MAX);
  g_assert_cmpint (connection->history.sent_bps[0], ==, 0);
  g_assert_cmpuint (link_at (connection, 0)->history.n, ==, LIVE_HISTORY_MAX);
}

/* A link that was silent for long is not working; the reason is what a person sees. */
static void
test_hang (void)
{
  g_autoptr (Live) live = NULL;
  g_autoptr (Duo) d = start (&live);
  duo_offer (d, DUO_CLIENT, 200, 1000, 1000);
  duo_stall_link (d, 1);
  gboolean was_suspected = FALSE;
  for (guint i = 0; i < 500; i++) {
    duo_advance (d, MS (10));
    const LiveLink *wifi = link_at (connection_at (live_sample (live, d->now_ns), 0), 0);
    was_suspected |= g_str_equal (live_link_describe (wifi), "suspected");
  }
  const LiveLink *wifi = link_at (connection_at (live_sample (live, d->now_ns), 0), 0);
  g_assert_true (was_suspected);
  g_assert_cmpint (wifi->state, ==, CAIMAN_LINK_NOT_WORKING);
  g_assert_cmpuint (wifi->n_hangs, ==, 1);
  g_assert_cmpuint (wifi->n_suspected, >=, 1);
  g_assert_cmpstr (live_link_describe (wifi), ==, caiman_reason_to_string (wifi->reason));
}

static void
test_peer_name (void)
{
  static const struct {
    const char *data, *name;
  } cases[] = {
    { "eth0", "eth0" },       { "", NULL },
    { "eth 0", NULL },        { "\033[2J", NULL },
    { "wlan0.5", "wlan0.5" }, { "123456789012345678901234567890123", NULL },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = g_bytes_new (cases[i].data, strlen (cases[i].data));
    g_autofree char *name = live_peer_name (bytes);
    g_assert_cmpstr (name, ==, cases[i].name);
  }
  g_assert_null (live_peer_name (NULL));
}

/* --- JSON --- */

static LiveSnapshot *
parse (const char *text)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  json_parser_load_from_data (parser, text, -1, &error);
  g_assert_no_error (error);
  return live_json_parse (json_node_get_object (json_parser_get_root (parser)));
}

/* What is read back gives the same text again. */
static void
test_json_round_trip (void)
{
  const LiveJsonOptions options = { .history_max = LIVE_HISTORY_MAX };
  g_autoptr (Live) live = NULL;
  g_autoptr (Duo) d = start (&live);
  g_autoptr (GString) first = g_string_new (NULL), second = g_string_new (NULL);
  live_set_label (live, 1, "\"quoted\" \\ \t tab \x7f é");
  duo_block (d, DUO_CLIENT, 1);
  duo_send (d, "hello");
  duo_advance (d, S (1));
  LiveSnapshot *snapshot = live_sample (live, d->now_ns);
  g_ptr_array_add (snapshot->paths, g_strdup ("eth0 -> 192.0.2.1:5800"));
  live_json_append (first, snapshot, &options);
  g_assert_null (strchr (first->str, '\n'));
  g_autoptr (LiveSnapshot) back = parse (first->str);
  live_json_append (second, back, &options);
  g_assert_cmpstr (first->str, ==, second->str);
  g_assert_cmpstr (connection_at (back, 0)->label, ==, connection_at (snapshot, 0)->label);
  g_assert_cmpint (link_at (connection_at (back, 0), 0)->srtt_ns, ==, MS (20));
  g_assert_true (link_at (connection_at (back, 0), 0)->is_blocked_local);
  g_assert_cmpint (connection_at (back, 0)->history.n, ==, 1);
}

static void
test_json_limits (void)
{
  g_autoptr (LiveSnapshot) snapshot = live_snapshot_new ("x");
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 1; i <= 5; i++)
    g_ptr_array_add (snapshot->connections, live_connection_new (i, "c"));
  live_json_append (text, snapshot, &(LiveJsonOptions) { .connections_max = 2 });
  g_autoptr (LiveSnapshot) back = parse (text->str);
  g_assert_cmpuint (back->connections->len, ==, 2);
  g_assert_cmpuint (back->n_omitted, ==, 3);
  g_assert_null (strstr (text->str, "history"));
}

/* Members of a wrong type, and ones that are not there, are empty. */
static void
test_json_of_others (void)
{
  g_autoptr (LiveSnapshot) snapshot =
      parse ("{\"title\":1,\"n_live\":\"x\",\"paths\":[1,\"p\",null],\"new\":{},"
             "\"sent_bps\":[1,\"x\",{}],\"connections\":[3,{\"state\":\"?\",\"reason\":\"?\","
             "\"links\":[[],{\"id\":\"x\",\"suspected\":1,\"history_sent_bps\":[1,2]}]}]}");
  g_assert_cmpstr (snapshot->title, ==, "");
  g_assert_cmpuint (snapshot->n_live, ==, 0);
  g_assert_cmpuint (snapshot->paths->len, ==, 1);
  g_assert_cmpint (snapshot->rates.sent_bps[0], ==, 1);
  g_assert_cmpint (snapshot->rates.sent_bps[2], ==, 0);
  g_assert_cmpuint (snapshot->connections->len, ==, 1);
  const LiveConnection *connection = connection_at (snapshot, 0);
  g_assert_cmpint (connection->reason, ==, CAIMAN_REASON_NONE);
  g_assert_cmpuint (connection->links->len, ==, 1);
  g_assert_false (link_at (connection, 0)->is_suspected);
  g_assert_cmpuint (link_at (connection, 0)->history.n, ==, 0);
}

/* --- Text --- */

static void
test_text (void)
{
  g_autoptr (Live) live = NULL;
  g_autoptr (Duo) d = start (&live);
  live_set_label (live, 1, "evil \033[2J label");
  duo_drop_link (d, 2);
  duo_advance (d, MS (10));
  LiveSnapshot *snapshot = live_sample (live, d->now_ns);
  g_ptr_array_add (snapshot->paths, g_strdup ("eth0 -> 192.0.2.1:5800"));
  snapshot->n_omitted = 3;
  g_autofree char *text = live_text_format (snapshot, FALSE);
  snapshot->n_omitted = 0;
  g_assert_nonnull (strstr (text, "connections: 1 open, 1 since the start\n"));
  g_assert_nonnull (strstr (text, "1 evil ?[2J label: open for"));
  g_assert_nonnull (strstr (text, "20.0 ms"));
  g_assert_nonnull (strstr (text, "  eth0 -> 192.0.2.1:5800\n"));
  g_assert_nonnull (strstr (text, "and 3 more connections\n"));
  g_assert_null (strchr (text, '\033'));
  g_autofree char *coloured = live_text_format (snapshot, TRUE);
  g_assert_nonnull (strstr (coloured, "\033[32mworking"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/apps/live/links", test_links);
  g_test_add_func ("/apps/live/block-and-disconnect", test_block_and_disconnect);
  g_test_add_func ("/apps/live/commands-that-miss", test_commands_that_miss);
  g_test_add_func ("/apps/live/closed-link-lingers", test_closed_link_lingers);
  g_test_add_func ("/apps/live/successor-replaces-closed-link",
                   test_successor_replaces_closed_link);
  g_test_add_func ("/apps/live/closed-links-are-bounded", test_closed_links_are_bounded);
  g_test_add_func ("/apps/live/event-between-samples", test_event_between_samples);
  g_test_add_func ("/apps/live/ended-connection-lingers", test_ended_connection_lingers);
  g_test_add_func ("/apps/live/removed-alive", test_removed_alive);
  g_test_add_func ("/apps/live/ended-connections-are-bounded", test_ended_connections_are_bounded);
  g_test_add_func ("/apps/live/history", test_history);
  g_test_add_func ("/apps/live/hang", test_hang);
  g_test_add_func ("/apps/live/peer-name", test_peer_name);
  g_test_add_func ("/apps/live/json-round-trip", test_json_round_trip);
  g_test_add_func ("/apps/live/json-limits", test_json_limits);
  g_test_add_func ("/apps/live/json-of-others", test_json_of_others);
  g_test_add_func ("/apps/live/text", test_text);
  return g_test_run ();
}
