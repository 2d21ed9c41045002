/* SPDX-License-Identifier: Apache-2.0 */
/* verb-prune.c - caiman prune: deletes recorded runs. */
#include "config/units.h"
#include "reports/format.h"
#include "reports/prune.h"
#include "tools/tool.h"

#include "core/types.h"

#include <string.h>

/* "30d", or a time as in scenario files, to microseconds. FALSE: told. */
static gboolean
parse_age (const char *text, gint64 *age_us_out)
{
  gsize length = strlen (text);
  if (length > 1 && text[length - 1] == 'd') {
    g_autofree char *number = g_strndup (text, length - 1);
    gint64 days;
    if (g_ascii_string_to_signed (number, 10, 0, 100000, &days, NULL)) {
      *age_us_out = days * 24 * 3600 * G_USEC_PER_SEC;
      return TRUE;
    }
  }
  gint64 age_ns;
  g_autofree char *problem = units_parse_time (text, &age_ns);
  if (problem == NULL) {
    *age_us_out = age_ns / CAIMAN_NS_PER_US;
    return TRUE;
  }
  tool_error ("--older-than takes a time such as 30d or 12h, not '%s'", text);
  return FALSE;
}

static void
print_result (const PruneResult *result, gboolean dry_run)
{
  g_autofree char *freed = format_bytes ((double)result->freed_bytes);
  g_autofree char *text = dry_run
                              ? g_strdup_printf ("%" G_GINT64_FORMAT " runs and %" G_GINT64_FORMAT
                                                 " campaigns would be deleted\n",
                                                 result->n_runs, result->n_campaigns)
                              : g_strdup_printf ("%" G_GINT64_FORMAT " runs and %" G_GINT64_FORMAT
                                                 " campaigns deleted, %s freed\n",
                                                 result->n_runs, result->n_campaigns, freed);
  tool_print (text);
}

int
verb_prune (int argc, char **argv)
{
  int status;
  g_autofree char *age = NULL, *campaign = NULL, *outcome = NULL;
  gboolean dry_run = FALSE;
  g_autoptr (GError) error = NULL;
  const GOptionEntry entries[] = {
    { "older-than", 0, 0, G_OPTION_ARG_STRING, &age, "Runs that began before, such as 30d or 12h",
      "TIME" },
    { "campaign", 0, 0, G_OPTION_ARG_STRING, &campaign, "Runs of this campaign", "NAME" },
    { "outcome", 0, 0, G_OPTION_ARG_STRING, &outcome,
      "Runs with this outcome or verdict, such as refused or unfinished", "NAME" },
    { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run, "Count them, and delete nothing", NULL },
    G_OPTION_ENTRY_NULL,
  };
  if (!tool_parse (&argc, &argv, entries, "DB",
                   "Deletes the runs that meet all of the given criteria, of which there must be\n"
                   "at least one, and gives their space back.",
                   "Exit status: 0, 2 usage or no such database, 70 database error.", 1, 1,
                   &status))
    return status;
  if (age == NULL && campaign == NULL && outcome == NULL) {
    tool_error ("prune: say which runs, by --older-than, --campaign or --outcome");
    return EXIT_STATUS_USAGE;
  }
  QueryFilter filter = { .campaign = campaign, .outcome = outcome };
  gint64 age_us;
  if (age != NULL && !parse_age (age, &age_us))
    return EXIT_STATUS_USAGE;
  if (age != NULL)
    filter.older_than_us = MAX (g_get_real_time () - age_us, 1);
  g_autoptr (Store) store = store_open (argv[1], STORE_OPEN_WRITE, &error);
  PruneResult result;
  if (store == NULL || !prune_runs (store, &filter, dry_run, &result, &error))
    return tool_fail (error);
  if (!tool_is_quiet ())
    print_result (&result, dry_run);
  return RUN_EXIT_HELD;
}
