/* SPDX-License-Identifier: Apache-2.0 */
/* verb-merge.c - caiman merge: the runs of several databases in one. */
#include "reports/merge.h"
#include "tools/tool.h"

static int
merge (const char *target, char **sources)
{
  g_autoptr (GError) error = NULL;
  MergeResult result;
  gboolean ok = merge_stores (target, sources, &result, &error);
  int status = RUN_EXIT_HELD;
  if (!ok)
    status = tool_fail (error);
  else if (result.conflicts->len > 0) {
    for (guint i = 0; i < result.conflicts->len; i++)
      g_printerr ("%s\n", (const char *)g_ptr_array_index (result.conflicts, i));
    tool_error ("nothing was merged");
    status = RUN_EXIT_EXPECTATION;
  } else if (!tool_is_quiet ()) {
    g_autofree char *text =
        g_strdup_printf ("%s: %" G_GINT64_FORMAT " runs added, %" G_GINT64_FORMAT
                         " were there already, %" G_GINT64_FORMAT " unfinished ones left out\n",
                         target, result.n_added, result.n_known, result.n_unfinished);
    tool_print (text);
  }
  merge_result_clear (&result);
  return status;
}

int
verb_merge (int argc, char **argv)
{
  int status;
  g_autofree char *target = NULL;
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &target, "Add them there; made when missing", "DB" },
    G_OPTION_ENTRY_NULL,
  };
  if (!tool_parse (
          &argc, &argv, entries, "DB...",
          "Adds all finished runs of the databases to another one, each once: shards of a\n"
          "sweep, or what several machines have run. The databases may be of an older\n"
          "version, and are not changed.",
          "Exit status: 0 merged; 1 two runs of the same binary, scenario and seed differ;\n"
          "2 usage, or not a database; 70 a database error. But for 0 nothing is merged.",
          1, -1, &status))
    return status;
  if (target == NULL) {
    tool_error ("merge: say with -o where to");
    return EXIT_STATUS_USAGE;
  }
  return merge (target, argv + 1);
}
