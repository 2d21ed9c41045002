/* SPDX-License-Identifier: Apache-2.0 */
/* campaign-options.c - the command line of run and sweep. */
#include "tools/campaign.h"

#include "harness/run.h"
#include "harness/workers.h"
#include "reports/summary.h"
#include "tools/scenarios.h"

#include <string.h>
#include <unistd.h>

static const char run_summary[] =
    "Runs each scenario, once for each point of its sweep and each of its seeds, checks every\n"
    "byte and every expectation, and records it all in a database.";

static const char sweep_summary[] =
    "Runs many runs: each point of the scenarios' sweeps with each seed and each policy. What the\n"
    "database has already, from this binary, is not run again; so a sweep that was stopped goes "
    "on\n"
    "with the same command. Failures are told, and a table of all at the end.";

static const char description[] =
    "Without --db and --no-db the runs are recorded in ./" CAMPAIGN_DB_DEFAULT ".\n"
    "--vary takes a line of [sweep]: a list or range of values, 'zip=...' or 'where=...'.\n\n"
    "Exit status: 0 all held, 1 an expectation failed, 2 usage or scenario error, 3 safety,\n"
    "4 liveness, 70 internal or database error, 77 every run skipped, 130 interrupted.\n"
    "Of several runs the worst counts, in the order 3, 4, 70, 2, 1, 0.";

/* The command as a shell would read it. (transfer full) */
static char *
join_command (int argc, char **argv)
{
  GString *command = g_string_new ("caiman");
  for (int i = 0; i < argc; i++) {
    gboolean is_plain = argv[i][strcspn (argv[i], " \t\n\"'\\$`*?[]{}()<>|&;#~")] == '\0';
    g_autofree char *quoted = is_plain ? g_strdup (argv[i]) : g_shell_quote (argv[i]);
    g_string_append_printf (command, " %s", quoted);
  }
  return g_string_free (command, FALSE);
}

static gboolean
parse_policies (Campaign *campaign)
{
  CaimanPolicy policy;
  if (campaign->options.policy == NULL)
    return TRUE;
  campaign->policies = g_strsplit (campaign->options.policy, ",", -1);
  for (char **name = campaign->policies; *name != NULL; name++) {
    g_strstrip (*name);
    if (!caiman_policy_from_string (*name, &policy)) {
      tool_error ("there is no policy '%s'; it can be adaptive, min-rtt, round-robin, redundant or "
                  "reference",
                  *name);
      return FALSE;
    }
    for (char **before = campaign->policies; before < name; before++) {
      if (strcmp (*before, *name) == 0) {
        tool_error ("--policy has '%s' twice", *name);
        return FALSE;
      }
    }
  }
  return TRUE;
}

static gboolean
check_options (Campaign *campaign)
{
  const CampaignOptions *options = &campaign->options;
  guint64 first, last;
  if (options->jobs < 1 || options->jobs > WORKERS_MAX)
    tool_error ("-j takes a number from 1 to %d", WORKERS_MAX);
  else if (options->db != NULL && options->no_db)
    tool_error ("--db and --no-db exclude each other");
  else if (options->json && g_strcmp0 (options->tap, "-") == 0)
    tool_error ("only one of --json and --tap can be on standard output");
  else if (options->kept_events < 0)
    tool_error ("--keep-events takes a number of events, 0 for none");
  else if (options->seed != NULL && !tool_parse_seeds (options->seed, &first, &last))
    tool_error ("--seed takes a number or a range such as 1..200, not '%s'", options->seed);
  else if (options->shard != NULL && !shard_parse (options->shard, &campaign->shard))
    tool_error ("--shard takes I/N with I from 1 to N, as in 2/5, not '%s'", options->shard);
  else
    return parse_policies (campaign);
  return FALSE;
}

/* What follows from the options, when they are good. */
static void
apply_options (Campaign *campaign)
{
  CampaignOptions *options = &campaign->options;
  gboolean is_sweep = strcmp (options->verb, "sweep") == 0;
  if (options->db == NULL && !options->no_db)
    options->db = g_strdup (CAMPAIGN_DB_DEFAULT);
  if (options->name == NULL)
    options->name = g_strdup (options->verb);
  options->resume = (options->resume || (is_sweep && !options->again)) && !options->no_db;
  campaign->is_batched = is_sweep || options->resume;
  campaign->is_brief = is_sweep;
  campaign->colour = summary_wants_colour (STDOUT_FILENO);
}

/* The entries that both verbs have; the last one is the verb's own. */
static GOptionEntry *
make_entries (CampaignOptions *o, gboolean is_sweep)
{
  const GOptionEntry entries[] = {
    { "jobs", 'j', 0, G_OPTION_ARG_INT, &o->jobs,
      is_sweep ? "So many runs at a time (default: one per processor)"
               : "So many runs at a time (default 1)",
      "N" },
    { "seed", 0, 0, G_OPTION_ARG_STRING, &o->seed, "Replace the seeds of the files", "N[..M]" },
    { "policy", 0, 0, G_OPTION_ARG_STRING, &o->policy,
      "Replace both sides' sender policy; of several, run each", "NAME[,NAME...]" },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->sets,
      "Replace a value of the files; may be given again", "GROUP.KEY=VALUE" },
    { "vary", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->varies,
      "Sweep a value, as in [sweep]; may be given again", "GROUP.KEY=VALUES" },
    { "shard", 0, 0, G_OPTION_ARG_STRING, &o->shard,
      "Run the I-th of N parts; 'caiman merge' joins them", "I/N" },
    { "testbed", 0, 0, G_OPTION_ARG_STRING, &o->testbed, "Where to run (default sim)", "NAME" },
    { "db", 0, 0, G_OPTION_ARG_FILENAME, &o->db, "Record there; made when missing", "FILE" },
    { "no-db", 0, 0, G_OPTION_ARG_NONE, &o->no_db, "Record nothing", NULL },
    { "keep-events", 0, 0, G_OPTION_ARG_INT64, &o->kept_events,
      is_sweep ? "Record the first N events of a run, for replay (default 0: none)"
               : "Record the first N events of a run, for replay (default 20000000, 0: none)",
      "N" },
    { "campaign", 0, 0, G_OPTION_ARG_STRING, &o->name, "Name of this group of runs", "NAME" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o->json, "Print an object per run, and nothing else",
      NULL },
    { "junit", 0, 0, G_OPTION_ARG_FILENAME, &o->junit, "Write a JUnit report", "FILE" },
    { "tap", 0, 0, G_OPTION_ARG_FILENAME, &o->tap,
      "Write a TAP report; - is standard output, and nothing else there", "FILE" },
    { "again", 0, 0, G_OPTION_ARG_NONE, &o->again, "Run also what the database has already", NULL },
    G_OPTION_ENTRY_NULL,
  };
  const GOptionEntry resume = { "resume",   0,
                                0,          G_OPTION_ARG_NONE,
                                &o->resume, "Run only what the database does not have yet",
                                NULL };
  const GOptionEntry trace = { "trace",   0,
                               0,         G_OPTION_ARG_FILENAME,
                               &o->trace, "Write every event of a single run, a line each",
                               "FILE" };
  gsize n = G_N_ELEMENTS (entries);
  GOptionEntry *all = g_new0 (GOptionEntry, n + 1);
  memcpy (all, entries, sizeof entries);
  if (!is_sweep) {
    all[n - 2] = resume;
    all[n - 1] = trace;
  }
  return all;
}

gboolean
campaign_parse (Campaign *campaign, const char *verb, int argc, char **argv, char ***paths_out,
                int *status_out)
{
  gboolean is_sweep = strcmp (verb, "sweep") == 0;
  *campaign = (Campaign) { .options = { .verb = verb } };
  campaign->options.command = join_command (argc, argv);
  campaign->options.jobs = is_sweep ? (int)MIN (g_get_num_processors (), WORKERS_MAX) : 1;
  campaign->options.kept_events = is_sweep ? 0 : RUN_KEPT_EVENTS_DEFAULT;
  g_autofree GOptionEntry *entries = make_entries (&campaign->options, is_sweep);
  if (!tool_parse (&argc, &argv, entries, "FILE...", is_sweep ? sweep_summary : run_summary,
                   description, 1, -1, status_out))
    return FALSE;
  *status_out = EXIT_STATUS_USAGE;
  if (!check_options (campaign) || !scenarios_check_testbed (campaign->options.testbed, status_out))
    return FALSE;
  apply_options (campaign);
  *paths_out = g_strdupv (argv + 1);
  return TRUE;
}

void
campaign_clear (Campaign *campaign)
{
  CampaignOptions *options = &campaign->options;
  char *const texts[] = { options->seed,  options->policy, options->db,    options->name,
                          options->junit, options->tap,    options->trace, options->testbed,
                          options->shard, options->command };
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
  g_strfreev (options->sets);
  g_strfreev (options->varies);
  g_strfreev (campaign->policies);
}
