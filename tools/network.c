/* SPDX-License-Identifier: Apache-2.0 */
/* network.c - see network.h. */
#include "tools/network.h"

#include "config/units.h"

#include <string.h>
#include <sys/resource.h>

/* Of --connect-timeout. */
#define TIMEOUT_MIN_NS (100 * CAIMAN_NS_PER_MS)
#define TIMEOUT_MAX_NS (24 * 3600 * CAIMAN_NS_PER_S)

/* "status" is no role of a process, but stands where roles do. */
static const char *
get_roles (const char *verb)
{
  return strcmp (verb, "tunnel") == 0 ? "server|client|status" : "server|client";
}

static void
print_roles (const char *verb)
{
  g_autofree char *text = g_strdup_printf ("usage: caiman %s %s [OPTION...]\n\n"
                                           "'caiman %s server --help', 'caiman %s client "
                                           "--help'%s explain the options.\n",
                                           verb, get_roles (verb), verb, verb,
                                           strcmp (verb, "tunnel") == 0 ? " and so on" : "");
  tool_print (text);
}

gboolean
network_parse_role (int *argc, char ***argv, AppRole *role_out, int *status_out)
{
  static char name[64]; /* lives as long as argv */
  const char *verb = (*argv)[0], *role = *argc > 1 ? (*argv)[1] : "";
  *status_out = EXIT_STATUS_USAGE;
  if (strcmp (role, "--help") == 0 || strcmp (role, "-h") == 0) {
    print_roles (verb);
    *status_out = RUN_EXIT_HELD;
    return FALSE;
  }
  if (strcmp (role, "client") != 0 && strcmp (role, "server") != 0) {
    tool_error ("usage: caiman %s %s [OPTION...]", verb, get_roles (verb));
    return FALSE;
  }
  *role_out = *role == 'c' ? APP_ROLE_CLIENT : APP_ROLE_SERVER;
  g_snprintf (name, sizeof name, "%s %s", verb, role);
  (*argc)--;
  (*argv)++;
  (*argv)[0] = name;
  return TRUE;
}

int
network_get_status (const GError *error)
{
  return g_error_matches (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT) ? EXIT_STATUS_USAGE
                                                                               : RUN_EXIT_INTERNAL;
}

gboolean
network_parse_timeout (const char *verb, const char *name, const char *text, gint64 *ns)
{
  gint64 value_ns;
  if (text == NULL)
    return TRUE;
  g_autofree char *problem = units_parse_time (text, &value_ns);
  if (problem == NULL && (value_ns < TIMEOUT_MIN_NS || value_ns > TIMEOUT_MAX_NS))
    problem = g_strdup ("it must be between 100ms and 24h");
  if (problem != NULL)
    tool_error ("%s: %s: %s", verb, name, problem);
  else
    *ns = value_ns;
  return problem == NULL;
}

void
network_raise_limits (void)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit); /* if not, what there is must do */
}

gboolean
network_set_log_level (void)
{
  const char *wanted = g_getenv ("CAIMAN_LOG");
  AppLogLevel level;
  if (tool_is_quiet ())
    level = APP_LOG_ERROR;
  else if (tool_get_verbosity () > 0)
    level = tool_get_verbosity () > 1 ? APP_LOG_DEBUG : APP_LOG_INFO;
  else if (wanted == NULL || !app_log_level_from_string (wanted, &level))
    return FALSE;
  if (tool_get_verbosity () == 1)
    tool_set_log_level (G_LOG_LEVEL_WARNING);
  app_log_set_level (level);
  return TRUE;
}
