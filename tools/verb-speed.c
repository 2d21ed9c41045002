/* SPDX-License-Identifier: Apache-2.0 */
/* verb-speed.c - caiman speed: a speed test between two ends, wire-compatible with agg-speed. */
#include "tools/network.h"
#include "tools/tool.h"

#include "apps/live-watch.h"
#include "apps/options.h"
#include "apps/service.h"
#include "apps/speed.h"

#include <string.h>

#define MIB G_GUINT64_CONSTANT (1048576)

/* Largest --time and --limit. */
#define TIME_MAX_S    (G_GINT64_CONSTANT (365) * 24 * 3600)
#define LIMIT_MAX_MIB (G_GINT64_CONSTANT (1) << 40)

#define STATUS_TEXT                                                                                \
  "Exit status: 0, 2 usage, 3 wrong content received, 4 no connection or one that failed,\n"       \
  "70 internal error, 130 interrupted."

typedef struct {
  AppOptions common;
  LiveWatchOptions watch;
  char *command, *connect_timeout;
  gint64 limit_mib;
  double time_s;
  gboolean send_only, receive_only, json, oneshot;
} Options;

static void
add_client_entries (Options *options, GArray *entries)
{
  const GOptionEntry client[] = {
    { "time", 't', 0, G_OPTION_ARG_DOUBLE, &options->time_s, "End both directions after this time",
      "SECONDS" },
    { "limit", 'l', 0, G_OPTION_ARG_INT64, &options->limit_mib,
      "End each direction after this much", "MiB" },
    { "send-only", 's', 0, G_OPTION_ARG_NONE, &options->send_only, "Only send", NULL },
    { "recv-only", 'r', 0, G_OPTION_ARG_NONE, &options->receive_only, "Only receive", NULL },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &options->json, "Print the result as JSON", NULL },
    { "connect-timeout", 0, 0, G_OPTION_ARG_STRING, &options->connect_timeout,
      "Give up when there is no connection by then (default 10s, 3s when all that is tried is "
      "refused)",
      "TIME" },
  };
  g_array_append_vals (entries, client, G_N_ELEMENTS (client));
}

static void
add_server_entries (Options *options, GArray *entries)
{
  const GOptionEntry server[] = {
    { "oneshot", 0, 0, G_OPTION_ARG_NONE, &options->oneshot, "End after one test", NULL },
  };
  g_array_append_vals (entries, server, G_N_ELEMENTS (server));
}

static gboolean
make_limits (const Options *options, SpeedLimits *limits_out)
{
  if (options->send_only && options->receive_only) {
    tool_error ("speed: --send-only and --recv-only exclude each other");
    return FALSE;
  }
  if (!(options->time_s >= 0) || options->time_s > TIME_MAX_S || options->limit_mib < 0 ||
      options->limit_mib > LIMIT_MAX_MIB) {
    tool_error ("speed: --time or --limit is out of range");
    return FALSE;
  }
  *limits_out = (SpeedLimits) {
    .no_send = options->receive_only,
    .no_receive = options->send_only,
    .time_ns = (gint64)(options->time_s * CAIMAN_NS_PER_S),
    .limit_bytes = (guint64)options->limit_mib * MIB,
  };
  return TRUE;
}

static int
get_status (const SpeedResult *result, AppRole role, int signal_number)
{
  if (result->corrupt)
    return RUN_EXIT_SAFETY;
  if (role == APP_ROLE_SERVER)
    return RUN_EXIT_HELD;
  if (signal_number != 0)
    return EXIT_STATUS_INTERRUPTED;
  return result->complete ? RUN_EXIT_HELD : RUN_EXIT_LIVENESS;
}

static void
print_result (const Speed *speed, const SpeedLimits *limits, gboolean json)
{
  const SpeedResult *result = speed_get_result (speed);
  g_autofree char *text =
      json ? speed_format_json (result, limits) : speed_format_text (result, limits);
  tool_print (text);
  if (result->complete || result->corrupt || result->reason == CAIMAN_REASON_NONE)
    return;
  if (result->connected)
    tool_error ("speed: the connection failed: %s", caiman_reason_to_string (result->reason));
  else
    tool_error ("speed: no connection: %s; %s", caiman_reason_to_string (result->reason),
                speed_get_failure (speed));
}

static int
run (Options *options, AppRole role)
{
  g_autoptr (GError) error = NULL;
  SpeedOptions speed_options = { .role = role, .oneshot = options->oneshot };
  CaimanConfig config;
  if (!make_limits (options, &speed_options.limits) ||
      !network_parse_timeout ("speed", "--connect-timeout", options->connect_timeout,
                              &speed_options.connect_timeout_ns))
    return EXIT_STATUS_USAGE;
  if (!live_watch_options_check (&options->watch, &error) ||
      !app_options_check (&options->common, role, &error) ||
      !app_options_make_config (&options->common, &config, &error)) {
    tool_error ("speed: %s", error->message);
    return EXIT_STATUS_USAGE;
  }
  app_service_hold_signals ();
  g_autoptr (Speed) speed = speed_new (&speed_options, &config, &error);
  if (speed == NULL ||
      !app_options_apply (&options->common, speed_get_endpoint (speed), SPEED_PORT, &error)) {
    tool_error ("speed: %s", error->message);
    return network_get_status (error);
  }
  LiveWatch *watch = live_watch_new (speed_get_endpoint (speed), &options->watch, options->command,
                                     tool_get_git_id (), &error);
  if (watch == NULL) {
    tool_error ("speed: %s", error->message);
    return network_get_status (error);
  }
  int signal_number = speed_run (speed);
  live_watch_free (watch); /* the terminal is ours again */
  const SpeedResult *result = speed_get_result (speed);
  if (role == APP_ROLE_CLIENT)
    print_result (speed, &speed_options.limits, options->json);
  return get_status (result, role, signal_number);
}

static const char client_summary[] =
    "Measures how fast data goes to a server and back over all links together, and checks\n"
    "every byte. Without --time or --limit it runs until it is interrupted.";
static const char server_summary[] =
    "Serves speed tests, any number at once, until it is told to end.";

int
verb_speed (int argc, char **argv)
{
  int status = EXIT_STATUS_USAGE;
  AppRole role;
  Options options = { .watch = { .db_interval_ns = 100 * CAIMAN_NS_PER_MS } };
  if (!network_parse_role (&argc, &argv, &role, &status))
    return status;
  g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));
  if (role == APP_ROLE_CLIENT)
    add_client_entries (&options, entries);
  else
    add_server_entries (&options, entries);
  app_options_add_entries (&options.common, role, entries);
  live_watch_options_add_entries (&options.watch, entries);
  options.command = g_strjoinv (" ", argv);
  if (tool_parse (&argc, &argv, (const GOptionEntry *)(gpointer)entries->data, "",
                  role == APP_ROLE_CLIENT ? client_summary : server_summary, STATUS_TEXT, 0, 0,
                  &status)) {
    network_set_log_level ();
    network_raise_limits ();
    status = run (&options, role);
  }
  app_options_clear (&options.common);
  live_watch_options_clear (&options.watch);
  g_free (options.command);
  g_free (options.connect_timeout);
  return status;
}
