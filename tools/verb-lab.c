/* SPDX-License-Identifier: Apache-2.0 */
/* verb-lab.c - caiman lab: a scenario in the lab whose traffic something else than caiman carries.
 */
#include "harness/run.h"
#include "reports/json.h"
#include "reports/summary.h"
#include "tools/scenarios.h"
#include "tools/tool.h"

#include <string.h>
#include <unistd.h>

#define DB_DEFAULT "caiman.db"

/* What separates the two commands. */
#define COMMANDS_SEPARATOR ":::"

typedef struct {
  char *db, *campaign, *name, *direct, *seed;
  char **sets;
  gboolean no_db, json;
  guint64 seed_first, seed_last;
  RunForeign foreign;
  Store *store; /* (nullable) */
  gint64 campaign_id;
  gboolean colour;
} LabVerb;

/* --- One run --- */

static gboolean
record (LabVerb *verb, const Scenario *scenario, guint64 seed, const RunOptions *options,
        StoreRun *run, GError **error)
{
  run->campaign_id = verb->campaign_id;
  if (verb->store && !store_run_begin (verb->store, run, error))
    return FALSE;
  g_autoptr (RunResult) result = run_scenario (scenario, seed, options, run);
  for (guint i = 0; i < result->problems->len; i++)
    g_printerr ("%s seed %" G_GUINT64_FORMAT ": %s\n", scenario->name, seed,
                (const char *)g_ptr_array_index (result->problems, i));
  if (verb->store)
    return store_run_finish (verb->store, run, error);
  run->finished = TRUE;
  return TRUE;
}

static int
run_one (LabVerb *verb, const Scenario *scenario, guint64 seed)
{
  RunOptions options = { .testbed = "lab",
                         .git_id = tool_get_git_id (),
                         .foreign = &verb->foreign };
  g_autoptr (StoreRun) run = run_prepare (scenario, seed, &options);
  g_autoptr (GError) error = NULL;

  if (!record (verb, scenario, seed, &options, run, &error))
    return tool_fail (error);
  g_autofree char *text = verb->json ? report_json_format (run)
                          : verb->seed_first == verb->seed_last
                              ? summary_format_run (run, verb->colour)
                              : summary_format_line (run, verb->colour);
  if (verb->json || !tool_is_quiet ())
    tool_print (text);
  return run->exit_class;
}

/* --- All --- */

static gboolean
begin_campaign (LabVerb *verb, GError **error)
{
  if (verb->no_db)
    return TRUE;
  verb->store = store_open (verb->db ? verb->db : DB_DEFAULT, STORE_OPEN_CREATE, error);
  return verb->store && store_campaign_begin (verb->store, verb->campaign ? verb->campaign : "lab",
                                              "caiman lab", &verb->campaign_id, error);
}

static int
run_all (LabVerb *verb, const char *path)
{
  g_autoptr (ScenarioOverrides) overrides =
      scenarios_make_overrides (verb->sets, NULL, NULL, "lab");
  g_autoptr (Scenario) scenario = overrides ? scenarios_load (path, overrides) : NULL;
  volatile sig_atomic_t *stop = tool_catch_signals ();
  g_autoptr (GError) error = NULL;
  int status = RUN_EXIT_SKIPPED;

  if (!scenario)
    return EXIT_STATUS_USAGE;
  if (!verb->seed) {
    verb->seed_first = scenario->seed_first;
    verb->seed_last = scenario->seed_last;
  }
  if (!begin_campaign (verb, &error))
    return tool_fail (error);
  for (guint64 seed = verb->seed_first; seed <= verb->seed_last && !*stop; seed++)
    status = exit_status_worse (status, run_one (verb, scenario, seed));
  if (verb->store && !store_campaign_end (verb->store, verb->campaign_id, &error))
    return tool_fail (error);
  return *stop ? EXIT_STATUS_INTERRUPTED : status;
}

/* --- The command line --- */

/* What stands behind "--" in @argv, which is cut there. (nullable) (transfer container) */
static char **
cut_commands (int *argc, char **argv)
{
  for (int i = 1; i < *argc; i++) {
    if (strcmp (argv[i], "--") == 0) {
      argv[i] = NULL;
      char **commands = argv + i + 1;
      *argc = i;
      return commands;
    }
  }
  return NULL;
}

/* SERVER... ::: CLIENT..., which is cut in two. */
static gboolean
set_commands (LabVerb *verb, char **commands)
{
  char **separator = commands;

  while (*separator && strcmp (*separator, COMMANDS_SEPARATOR) != 0)
    separator++;
  if (!*separator || separator == commands || !separator[1]) {
    tool_error ("lab: two commands are needed behind --: SERVER [ARGUMENT...] " COMMANDS_SEPARATOR
                " CLIENT [ARGUMENT...]");
    return FALSE;
  }
  *separator = NULL;
  verb->foreign.argv[SCENARIO_SIDE_SERVER] = commands;
  verb->foreign.argv[SCENARIO_SIDE_CLIENT] = separator + 1;
  return TRUE;
}

static gboolean
set_carrier (LabVerb *verb, char **commands)
{
  if (verb->direct && commands) {
    tool_error ("lab: --direct and commands exclude each other");
    return FALSE;
  }
  if (commands)
    return set_commands (verb, commands);
  if (g_strcmp0 (verb->direct, "tcp") == 0)
    verb->foreign.direct = RUN_DIRECT_TCP;
  else if (g_strcmp0 (verb->direct, "mptcp") == 0)
    verb->foreign.direct = RUN_DIRECT_MPTCP;
  else {
    tool_error ("lab: what is to carry the traffic? --direct tcp, --direct mptcp, or "
                "-- SERVER [ARGUMENT...] " COMMANDS_SEPARATOR " CLIENT [ARGUMENT...]");
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_options (LabVerb *verb, char **commands)
{
  if (!set_carrier (verb, commands))
    return FALSE;
  if (verb->db && verb->no_db)
    tool_error ("--db and --no-db exclude each other");
  else if (verb->seed && !tool_parse_seeds (verb->seed, &verb->seed_first, &verb->seed_last))
    tool_error ("--seed takes a number or a range such as 1..200, not '%s'", verb->seed);
  else
    return TRUE;
  return FALSE;
}

static void
lab_verb_clear (LabVerb *verb)
{
  store_close (verb->store);
  g_free (verb->db);
  g_free (verb->campaign);
  g_free (verb->name);
  g_free (verb->direct);
  g_free (verb->seed);
  g_strfreev (verb->sets);
}

static const char summary[] =
    "Runs a scenario over real packets between two network namespaces, with the traffic carried "
    "by\n"
    "other programs, or by TCP or MPTCP of the kernel alone, and records it as caiman's own runs\n"
    "are. Needs root, or CAP_NET_ADMIN and CAP_SYS_ADMIN.";

static const char description[] =
    "The programs find in their environment:\n"
    "  CAIMAN_LAB_ENTRY, _TARGET       ADDRESS:PORT where the client's program must listen for "
    "the\n"
    "                                  traffic, and to which the server's must connect with it\n"
    "  CAIMAN_LAB_SERVERS              the server's addresses on all links\n"
    "  CAIMAN_LAB_LINKS, CAIMAN_LAB_LINK_0_NAME, _INTERFACE, _CLIENT, _SERVER, "
    "_CONGESTION\n"
    "                                  of each link\n"
    "  CAIMAN_LAB_SIDE                 client or server\n\n"
    "A scenario without traffic runs until the client's program ends.";

int
verb_lab (int argc, char **argv)
{
  int status;
  char **commands = cut_commands (&argc, argv);
  LabVerb verb = { 0 };
  const GOptionEntry entries[] = {
    { "direct", 0, 0, G_OPTION_ARG_STRING, &verb.direct,
      "The kernel alone: one connection of tcp (over the first link) or mptcp", "PROTOCOL" },
    { "name", 0, 0, G_OPTION_ARG_STRING, &verb.name,
      "What it is called in the record, in the place of a policy", "NAME" },
    { "seed", 0, 0, G_OPTION_ARG_STRING, &verb.seed, "Replace the seeds of the file", "N[..M]" },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &verb.sets,
      "Replace a value of the file; may be given again", "GROUP.KEY=VALUE" },
    { "db", 0, 0, G_OPTION_ARG_FILENAME, &verb.db, "Record there; made when missing", "FILE" },
    { "no-db", 0, 0, G_OPTION_ARG_NONE, &verb.no_db, "Record nothing", NULL },
    { "campaign", 0, 0, G_OPTION_ARG_STRING, &verb.campaign, "Name of this group of runs", "NAME" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &verb.json, "Print an object per run, and nothing else",
      NULL },
    G_OPTION_ENTRY_NULL,
  };

  if (tool_parse (&argc, &argv, entries, "FILE [-- SERVER... " COMMANDS_SEPARATOR " CLIENT...]",
                  summary, description, 1, 1, &status)) {
    status = EXIT_STATUS_USAGE;
    verb.colour = summary_wants_colour (STDOUT_FILENO);
    if (check_options (&verb, commands)) {
      g_autofree char *base = commands
                                  ? g_path_get_basename (verb.foreign.argv[SCENARIO_SIDE_CLIENT][0])
                                  : g_strdup (verb.direct);
      verb.foreign.name = verb.name ? verb.name : base;
      status = run_all (&verb, argv[1]);
    }
  }
  lab_verb_clear (&verb);
  return status;
}
