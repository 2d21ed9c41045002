/* SPDX-License-Identifier: Apache-2.0 */
/* test-speed.c - the content of a speed test, and tests between two endpoints of this process. */
#include "tests/apps/app-world.h"

#include "apps/speed-content.h"
#include "apps/speed.h"

#include <json-glib/json-glib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MIB 1048576

/* --- Content (PROTOCOL.md, section 8) --- */

static void
test_content (void)
{
  SpeedContent content;
  CaimanPrng prng;
  speed_content_init (&content, 42);
  caiman_prng_init (&prng, 42);
  g_autoptr (GBytes) bytes = speed_content_make (&content, 3);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_assert_cmpuint (size, ==, 3 * SPEED_BLOCK_BYTES);
  for (gsize i = 0; i < size; i += 8) {
    guint64 word = GUINT64_TO_LE (caiman_prng_next (&prng));
    g_assert_cmpmem (data + i, 8, &word, 8);
  }
}

/* However it is cut, and from the exact byte on that is wrong. */
static void
test_content_check (void)
{
  SpeedContent content;
  speed_content_init (&content, 7);
  g_autoptr (GBytes) bytes = speed_content_make (&content, 1);
  gsize size, wrong = 0;
  g_autofree guint8 *data = g_memdup2 (g_bytes_get_data (bytes, &size), SPEED_BLOCK_BYTES);
  for (gsize step = 1; step < 40; step++) {
    speed_content_init (&content, 7);
    for (gsize i = 0; i < size; i += step)
      g_assert_true (speed_content_check (&content, data + i, MIN (step, size - i), &wrong));
  }
  for (gsize i = 0; i < 40; i++) {
    data[i] ^= 0x10;
    speed_content_init (&content, 7);
    g_assert_true (speed_content_check (&content, data, MIN (i, 3), &wrong));
    g_assert_false (speed_content_check (&content, data + MIN (i, 3), size - MIN (i, 3), &wrong));
    g_assert_cmpuint (wrong, ==, i - MIN (i, 3));
    data[i] ^= 0x10;
  }
}

/* --- Two endpoints --- */

typedef struct {
  Speed *server, *client;
  WorldLog server_log, client_log;
} World;

static Speed *
make_speed (const SpeedOptions *options, const char *address, WorldLog *log)
{
  g_autoptr (GError) error = NULL;
  g_auto (AppOptions) links = { NULL };
  CaimanConfig config;
  links.tcp = g_strsplit (address, ",", -1);
  g_assert_true (app_options_check (&links, options->role, &error));
  g_assert_true (app_options_make_config (&links, &config, &error));
  config.no_link_timeout_ns = CAIMAN_NS_PER_S / 5;
  Speed *speed = speed_new (options, &config, &error);
  g_assert_no_error (error);
  world_log_init (log, speed_get_endpoint (speed));
  g_assert_true (app_options_apply (&links, speed_get_endpoint (speed), SPEED_PORT, &error));
  g_assert_no_error (error);
  return speed;
}

static char *
get_address (AppEndpoint *endpoint)
{
  return g_strdup_printf ("127.0.0.1:%u", app_endpoint_get_port (endpoint, 0));
}

static void
world_init (World *world, const SpeedLimits *limits)
{
  const SpeedOptions server = { .role = APP_ROLE_SERVER };
  const SpeedOptions client = { .role = APP_ROLE_CLIENT, .limits = *limits };
  world->server = make_speed (&server, "127.0.0.1:0", &world->server_log);
  g_autofree char *address = get_address (speed_get_endpoint (world->server));
  world->client = make_speed (&client, address, &world->client_log);
}

static void
world_clear (World *world)
{
  world_log_clear (&world->client_log);
  speed_free (world->client);
  world_log_clear (&world->server_log);
  speed_free (world->server);
}

static gboolean
server_is_idle (gpointer data)
{
  World *world = data;
  return app_endpoint_get_connections (speed_get_endpoint (world->server))->len == 0;
}

static void
test_limit (void)
{
  const SpeedLimits limits = { .limit_bytes = 8 * MIB };
  World world;
  world_init (&world, &limits);
  g_assert_cmpint (speed_run (world.client), ==, 0);
  const SpeedResult *result = speed_get_result (world.client);
  g_assert_true (result->complete && result->connected && !result->corrupt);
  g_assert_cmpuint (result->sent_bytes, ==, 8 * MIB);
  g_assert_cmpuint (result->received_bytes, >=, 8 * MIB);
  g_assert_cmpint (result->send_time_ns, >, 0);
  g_assert_cmpint (result->receive_time_ns, >, 0);
  world_wait (server_is_idle, &world);
  const SpeedResult *served = speed_get_result (world.server);
  g_assert_true (served->complete);
  g_assert_cmpuint (served->received_bytes, ==, 8 * MIB);
  g_assert_true (world_log_has (&world.server_log, "content right"));
  world_clear (&world);
}

static void
test_send_only (void)
{
  const SpeedLimits limits = { .limit_bytes = 2 * MIB, .no_receive = TRUE };
  World world;
  world_init (&world, &limits);
  speed_run (world.client);
  const SpeedResult *result = speed_get_result (world.client);
  g_assert_true (result->complete);
  g_assert_cmpuint (result->sent_bytes, ==, 2 * MIB);
  g_assert_cmpuint (result->received_bytes, ==, 0);
  world_wait (server_is_idle, &world);
  g_assert_cmpuint (speed_get_result (world.server)->received_bytes, ==, 2 * MIB);
  world_clear (&world);
}

static void
test_receive_only (void)
{
  const SpeedLimits limits = { .limit_bytes = 2 * MIB, .no_send = TRUE };
  World world;
  world_init (&world, &limits);
  speed_run (world.client);
  const SpeedResult *result = speed_get_result (world.client);
  g_assert_true (result->complete);
  g_assert_cmpuint (result->sent_bytes, ==, 0);
  g_assert_cmpuint (result->received_bytes, >=, 2 * MIB);
  world_wait (server_is_idle, &world);
  g_assert_cmpuint (speed_get_result (world.server)->received_bytes, ==, 0);
  world_clear (&world);
}

static void
test_time (void)
{
  const SpeedLimits limits = { .time_ns = CAIMAN_NS_PER_S / 10 };
  World world;
  world_init (&world, &limits);
  speed_run (world.client);
  const SpeedResult *result = speed_get_result (world.client);
  g_assert_true (result->complete);
  g_assert_cmpint (result->send_time_ns, >=, limits.time_ns);
  world_wait (server_is_idle, &world);
  /* What was sent counts only when it was acknowledged. */
  g_assert_cmpuint (result->sent_bytes, <=, speed_get_result (world.server)->received_bytes);
  world_clear (&world);
}

static gpointer
interrupt (gpointer data)
{
  World *world = data;
  g_usleep (20000);
  kill (getpid (), SIGINT);
  return world;
}

static void
test_interrupted (void)
{
  const SpeedLimits limits = { .time_ns = 0 };
  World world;
  world_init (&world, &limits);
  GThread *thread = g_thread_new ("interrupt", interrupt, &world);
  g_assert_cmpint (speed_run (world.client), ==, SIGINT);
  g_thread_join (thread);
  world_clear (&world);
}

static void
test_oneshot (void)
{
  const SpeedOptions server = { .role = APP_ROLE_SERVER, .oneshot = TRUE };
  const SpeedOptions client = { .role = APP_ROLE_CLIENT, .limits = { .limit_bytes = MIB } };
  WorldLog server_log, client_log;
  Speed *serving = make_speed (&server, "127.0.0.1:0", &server_log);
  g_autofree char *address = get_address (speed_get_endpoint (serving));
  Speed *testing = make_speed (&client, address, &client_log);
  g_assert_cmpint (speed_run (testing), ==, 0);
  g_assert_cmpint (speed_run (serving), ==, 0); /* it is over, or nearly so */
  world_log_clear (&client_log);
  world_log_clear (&server_log);
  speed_free (testing);
  speed_free (serving);
}

static void
test_no_server (void)
{
  const SpeedOptions client = { .role = APP_ROLE_CLIENT, .limits = { .limit_bytes = MIB } };
  WorldLog log;
  g_autoptr (Target) target = target_new ();
  g_autofree char *address = g_strdup_printf ("127.0.0.1:%u", target->port);
  Speed *speed = make_speed (&client, address, &log); /* answers, but not as a server does */
  speed_run (speed);
  const SpeedResult *result = speed_get_result (speed);
  g_assert_false (result->connected);
  g_assert_false (result->complete);
  g_assert_cmpint (result->reason, ==, CAIMAN_REASON_ALL_LINKS_FAILED);
  g_assert_true (world_log_has (&log, "no server has answered; tried:"));
  g_assert_true (world_log_has (&log, address));
  g_assert_true (strstr (speed_get_failure (speed), address));
  world_log_clear (&log);
  speed_free (speed);
}

/* --- A peer that sends something else --- */

typedef struct {
  gsize wrong_at;   /* of the content */
  gsize size_bytes; /* of the content, then the end */
} Liar;

static void
tell_lie (gpointer user_data, AppConnection *connection)
{
  const Liar *liar = user_data;
  const guint8 seed[SPEED_SEED_BYTES] = { 0, 0, 0, 0, 0, 0, 0, 9 };
  SpeedContent content;
  gint64 now_ns = app_endpoint_now (connection->endpoint);
  speed_content_init (&content, 9);
  g_autoptr (GBytes) made = speed_content_make (&content, 16);
  GByteArray *stream = g_byte_array_new ();
  g_byte_array_append (stream, seed, sizeof seed);
  g_byte_array_append (stream, g_bytes_get_data (made, NULL), (guint)liar->size_bytes);
  if (liar->wrong_at < liar->size_bytes)
    stream->data[sizeof seed + liar->wrong_at] ^= 1;
  g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (stream);
  g_assert_cmpint (caiman_connection_write (connection->connection, bytes, 0, now_ns, NULL), ==,
                   g_bytes_get_size (bytes));
  caiman_connection_finish (connection->connection, now_ns);
}

static void
release_ended (gpointer user_data, AppConnection *connection, const CaimanEvent *event)
{
  if (event->type == CAIMAN_EVENT_ENDED)
    app_connection_release (connection);
}

static void
run_against (Liar *liar, SpeedResult *result_out)
{
  static const AppHandler handler = { .accepted = tell_lie, .event = release_ended };
  static const char *const addresses[] = { "127.0.0.1:0", NULL };
  const CaimanTcpAcceptorOptions acceptor = { .filter = CAIMAN_TCP_FILTER_NONE };
  const SpeedOptions client = { .role = APP_ROLE_CLIENT, .limits = { .no_send = TRUE } };
  CaimanConfig config;
  WorldLog log;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  g_autoptr (AppEndpoint) server =
      app_endpoint_new (APP_ROLE_SERVER, "liar", &config, &handler, liar, NULL);
  g_assert_true (app_endpoint_listen (server, addresses, &acceptor, NULL));
  g_autofree char *address = get_address (server);
  Speed *speed = make_speed (&client, address, &log);
  speed_run (speed);
  *result_out = *speed_get_result (speed);
  if (result_out->corrupt)
    g_assert_true (world_log_has (&log, "error: speed test: wrong content from byte"));
  world_log_clear (&log);
  speed_free (speed);
}

static void
test_wrong_content (void)
{
  Liar liar = { .wrong_at = 70001, .size_bytes = 16 * SPEED_BLOCK_BYTES };
  SpeedResult result;
  run_against (&liar, &result);
  g_assert_true (result.corrupt);
  g_assert_false (result.complete);
  g_assert_cmpuint (result.corrupt_at_bytes, ==, 70001);
  g_assert_cmpuint (result.received_bytes, ==, 70001);
  /* The same peer, when it tells the truth; even in the middle of a word. */
  liar = (Liar) { .wrong_at = G_MAXSIZE, .size_bytes = SPEED_BLOCK_BYTES + 3 };
  run_against (&liar, &result);
  g_assert_false (result.corrupt);
  g_assert_true (result.complete);
  g_assert_cmpuint (result.received_bytes, ==, liar.size_bytes);
}

/* --- Results as text --- */

static void
test_formats (void)
{
  const SpeedLimits limits = { .limit_bytes = 2 * MIB, .time_ns = 1500 * CAIMAN_NS_PER_MS };
  const SpeedLimits send_only = { .no_receive = TRUE };
  const SpeedResult result = {
    .sent_bytes = 1000000,
    .received_bytes = 3000000,
    .send_time_ns = CAIMAN_NS_PER_S / 2,
    .receive_time_ns = 2 * CAIMAN_NS_PER_S,
    .connected = TRUE,
    .complete = TRUE,
  };
  g_autofree char *text = speed_format_text (&result, &limits);
  g_assert_cmpstr (text, ==,
                   "sent      1.00 MB in 500 ms, 2.00 MB/s\n"
                   "received  3.00 MB in 2.00 s, 1.50 MB/s\n");
  g_autofree char *json = speed_format_json (&result, &limits);
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  JsonObject *object = json_node_get_object (node);
  g_assert_cmpfloat (json_object_get_double_member (object, "send_speed"), ==, 2000000);
  g_assert_cmpfloat (json_object_get_double_member (object, "recv_speed"), ==, 1500000);
  g_assert_cmpfloat (json_object_get_double_member (object, "data_limit"), ==, 2);
  g_assert_cmpfloat (json_object_get_double_member (object, "time_limit"), ==, 1.5);
  g_assert_true (json_object_get_boolean_member (object, "complete"));
  g_assert_true (json_object_get_null_member (object, "corrupt_at"));
  g_autofree char *half = speed_format_json (&result, &send_only);
  g_autoptr (JsonNode) half_node = json_from_string (half, NULL);
  g_assert_true (json_object_get_null_member (json_node_get_object (half_node), "recv_speed"));
  g_assert_true (json_object_get_null_member (json_node_get_object (half_node), "data_limit"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  app_log_set_level (APP_LOG_INFO);
  g_test_add_func ("/apps/speed/content", test_content);
  g_test_add_func ("/apps/speed/content-check", test_content_check);
  g_test_add_func ("/apps/speed/limit", test_limit);
  g_test_add_func ("/apps/speed/send-only", test_send_only);
  g_test_add_func ("/apps/speed/receive-only", test_receive_only);
  g_test_add_func ("/apps/speed/time", test_time);
  g_test_add_func ("/apps/speed/interrupted", test_interrupted);
  g_test_add_func ("/apps/speed/oneshot", test_oneshot);
  g_test_add_func ("/apps/speed/no-server", test_no_server);
  g_test_add_func ("/apps/speed/wrong-content", test_wrong_content);
  g_test_add_func ("/apps/speed/formats", test_formats);
  return g_test_run ();
}
