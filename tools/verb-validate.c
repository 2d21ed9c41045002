/* SPDX-License-Identifier: Apache-2.0 */
/* verb-validate.c - caiman validate: how far the simulator is from real kernel TCP. */
#include "harness/validate.h"
#include "reports/summary.h"
#include "tools/scenarios.h"
#include "tools/tool.h"

#include <unistd.h>

#define DB_DEFAULT     "caiman.db"
#define REPEAT_DEFAULT 3
#define REPEAT_MAX     1000

typedef struct {
  char *db, *campaign, *markdown, *from;
  int n_repeats;
  gboolean json;
  gboolean colour;
  Store *store;         /* (nullable) */
  GPtrArray *scenarios; /* of ValidateScenario (owned): those that can be compared */
} ValidateVerb;

/* --- The outcome --- */

static gboolean
is_stdout (const char *path)
{
  return g_strcmp0 (path, "-") == 0;
}

static gboolean
save_markdown (const ValidateVerb *verb, const GPtrArray *rows, GError **error)
{
  if (!verb->markdown)
    return TRUE;
  g_autofree char *text = validation_format_markdown (rows);
  if (!is_stdout (verb->markdown))
    return g_file_set_contents (verb->markdown, text, -1, error);
  tool_print (text);
  return TRUE;
}

static int
tell (const ValidateVerb *verb, const GPtrArray *rows, GError **error)
{
  if (verb->json) {
    g_autofree char *text = validation_format_json (rows);
    tool_print (text);
  } else if (!tool_is_quiet () && !is_stdout (verb->markdown)) {
    g_autofree char *text = validation_format_text (rows, verb->colour);
    tool_print (text);
  }
  if (!save_markdown (verb, rows, error))
    return tool_fail (*error);
  return validation_held (rows) ? RUN_EXIT_HELD : RUN_EXIT_EXPECTATION;
}

/* --- A database that is there --- */

/* Compares the runs that are there already, and records nothing. */
static int
compare_from (ValidateVerb *verb)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = NULL;

  verb->store = store_open (verb->from, STORE_OPEN_READ_ONLY, &error);
  if (verb->store)
    rows = validate_compare (verb->store, verb->campaign, 0, &error);
  if (!rows)
    return tool_fail (error);
  if (rows->len > 0)
    return tell (verb, rows, &error);
  tool_error ("%s: has no scenario with runs of both sim and lab%s%s", verb->from,
              verb->campaign ? " in the campaign " : "", verb->campaign ? verb->campaign : "");
  return EXIT_STATUS_USAGE;
}

/* --- Runs --- */

static void
tell_run (const StoreRun *run, const GPtrArray *problems, gpointer user_data)
{
  const ValidateVerb *verb = user_data;
  g_autofree char *line = summary_format_line (run, verb->colour);

  for (guint i = 0; i < problems->len; i++)
    g_printerr ("%s seed %" G_GINT64_FORMAT ": %s\n", run->scenario_name, run->seed,
                (const char *)g_ptr_array_index (problems, i));
  if (!tool_is_quiet ())
    g_printerr ("%s: %s", run->testbed, line);
}

static void
free_scenario (gpointer data)
{
  ValidateScenario *scenario = data;

  g_clear_pointer (&scenario->sim, scenario_free);
  g_clear_pointer (&scenario->lab, scenario_free);
  g_free (scenario);
}

static Scenario *
load_for (const char *path, const char *testbed)
{
  g_autoptr (ScenarioOverrides) overrides = scenarios_make_overrides (NULL, NULL, NULL, testbed);

  return overrides ? scenarios_load (path, overrides) : NULL;
}

/* FALSE: it has errors, which were told. One that cannot be compared here is told, and left out. */
static gboolean
load_scenario (ValidateVerb *verb, const char *path)
{
  ValidateScenario *scenario = g_new0 (ValidateScenario, 1);
  g_autoptr (GPtrArray) refused = NULL;

  scenario->sim = load_for (path, "sim");
  if (scenario->sim)
    scenario->lab = load_for (path, "lab");
  if (!scenario->lab) {
    free_scenario (scenario);
    return FALSE;
  }
  refused = validate_check (scenario);
  for (guint i = 0; i < refused->len; i++)
    g_printerr ("skipped %s: %s\n", path, (const char *)g_ptr_array_index (refused, i));
  if (refused->len == 0)
    g_ptr_array_add (verb->scenarios, scenario);
  else
    free_scenario (scenario);
  return TRUE;
}

static gboolean
load_scenarios (ValidateVerb *verb, char **paths)
{
  gboolean ok = TRUE;

  verb->scenarios = g_ptr_array_new_with_free_func (free_scenario);
  for (gsize i = 0; paths[i]; i++)
    ok = load_scenario (verb, paths[i]) && ok;
  return ok;
}

static gboolean
run_scenarios (ValidateVerb *verb, gint64 campaign_id, volatile sig_atomic_t *stop, GError **error)
{
  const ValidateOptions options = { .store = verb->store,
                                    .campaign_id = campaign_id,
                                    .n_repeats = (guint)verb->n_repeats,
                                    .git_id = tool_get_git_id (),
                                    .stop = stop,
                                    .told = tell_run,
                                    .user_data = verb };

  for (guint i = 0; i < verb->scenarios->len && !*stop; i++) {
    if (!validate_run (g_ptr_array_index (verb->scenarios, i), &options, error))
      return FALSE;
  }
  return TRUE;
}

static int
run_all (ValidateVerb *verb)
{
  volatile sig_atomic_t *stop = tool_catch_signals ();
  g_autoptr (GError) error = NULL;
  gint64 campaign_id;

  verb->store = store_open (verb->db ? verb->db : DB_DEFAULT, STORE_OPEN_CREATE, &error);
  if (!verb->store ||
      !store_campaign_begin (verb->store, verb->campaign ? verb->campaign : "validate",
                             "caiman validate", &campaign_id, &error) ||
      !run_scenarios (verb, campaign_id, stop, &error))
    return tool_fail (error);
  g_autoptr (GPtrArray) rows = validate_compare (verb->store, NULL, campaign_id, &error);
  if (!rows || !validation_store (verb->store, campaign_id, rows, &error) ||
      !store_campaign_end (verb->store, campaign_id, &error))
    return tool_fail (error);
  int status = tell (verb, rows, &error);
  return *stop ? EXIT_STATUS_INTERRUPTED : status;
}

/* --- The command line --- */

static gboolean
check_options (const ValidateVerb *verb, char **paths)
{
  if (verb->n_repeats < 1 || verb->n_repeats > REPEAT_MAX)
    tool_error ("--repeat takes a number from 1 to %d", REPEAT_MAX);
  else if (verb->json && is_stdout (verb->markdown))
    tool_error ("only one of --json and --markdown can be on standard output");
  else if (verb->from && (verb->db || *paths))
    tool_error ("--from compares what is recorded, without --db and files");
  else if (!verb->from && !*paths)
    tool_error ("validate: name scenario files, or a database by --from");
  else
    return TRUE;
  return FALSE;
}

static int
validate (ValidateVerb *verb, char **paths)
{
  if (!check_options (verb, paths))
    return EXIT_STATUS_USAGE;
  if (verb->from)
    return compare_from (verb);
  if (!load_scenarios (verb, paths))
    return EXIT_STATUS_USAGE;
  return verb->scenarios->len > 0 ? run_all (verb) : RUN_EXIT_SKIPPED;
}

static void
validate_verb_clear (ValidateVerb *verb)
{
  if (verb->scenarios)
    g_ptr_array_unref (verb->scenarios);
  store_close (verb->store);
  g_free (verb->db);
  g_free (verb->campaign);
  g_free (verb->markdown);
  g_free (verb->from);
}

static const char summary[] =
    "Runs each scenario in the simulator and, several times, in the lab with real kernel TCP, and\n"
    "tells how far they are apart: goodput, longest gap, failover gap and recovery of each flow,\n"
    "and the time to connect. Needs root, or CAP_NET_ADMIN and CAP_SYS_ADMIN.";

static const char description[] =
    "Medians are compared. Tolerances: goodput 10 %, or 15 % with random loss, and 5 % in the\n"
    "median of all scenarios without it; gaps and recovery 20 % or 30 ms; connecting 5 % and 5 "
    "ms.\n"
    "A run of the lab that could not keep up is made again, three times at most.\n\n"
    "Exit status: 0 all is within its tolerance, 1 something is not, 2 usage or a scenario in\n"
    "error, 70 internal or database error, 77 the lab is not permitted, or cannot do it.";

int
verb_validate (int argc, char **argv)
{
  int status;
  ValidateVerb verb = { .n_repeats = REPEAT_DEFAULT };
  const GOptionEntry entries[] = {
    { "repeat", 0, 0, G_OPTION_ARG_INT, &verb.n_repeats,
      "Runs of each in the lab, with a seed each (default 3; four times as many with random "
      "loss); five times as many in the simulator",
      "N" },
    { "db", 0, 0, G_OPTION_ARG_FILENAME, &verb.db, "Record there; made when missing", "FILE" },
    { "campaign", 0, 0, G_OPTION_ARG_STRING, &verb.campaign, "Name of this group of runs", "NAME" },
    { "from", 0, 0, G_OPTION_ARG_FILENAME, &verb.from,
      "Run nothing: compare what is recorded there", "DB" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &verb.json, "Print one JSON object, and nothing else",
      NULL },
    { "markdown", 0, 0, G_OPTION_ARG_FILENAME, &verb.markdown,
      "Write a table in Markdown; - is standard output", "FILE" },
    G_OPTION_ENTRY_NULL,
  };

  if (tool_parse (&argc, &argv, entries, "[FILE...]", summary, description, 0, -1, &status)) {
    verb.colour = summary_wants_colour (STDOUT_FILENO);
    status = validate (&verb, argv + 1);
  }
  validate_verb_clear (&verb);
  return status;
}
