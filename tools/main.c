/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - caiman(1): picks the verb. */
#include "tools/tool.h"

#include "config/suggest.h"

#include <locale.h>
#include <string.h>

static int verb_version (int argc, char **argv);
static int verb_help (int argc, char **argv);

static const struct {
  const char *name;
  ToolVerb verb;
  const char *what;
} verbs[] = {
  { "run", verb_run, "run scenarios, judge and record them" },
  { "sweep", verb_sweep, "run what the database does not have of many runs" },
  { "lab", verb_lab, "run a scenario in the lab with other programs" },
  { "validate", verb_validate, "hold the simulator against real kernel TCP" },
  { "check", verb_check, "print scenarios with every default, or all that is wrong with them" },
  { "replay", verb_replay, "run a recorded run again and compare every event" },
  { "show", verb_show, "list recorded runs, or show one" },
  { "report", verb_report, "write the runs as one HTML file, or as Markdown, CSV, JSON" },
  { "plot", verb_plot, "draw one plot of a run as SVG or PNG" },
  { "export", verb_export, "write a recorded run as qlog, or its packets as pcapng" },
  { "diff", verb_diff, "compare two sets of recorded runs, as a gate" },
  { "merge", verb_merge, "put the runs of several databases into one" },
  { "prune", verb_prune, "delete recorded runs" },
  { "tunnel", verb_tunnel, "forward TCP ports over all links together" },
  { "monitor", verb_monitor, "watch a running tunnel on the whole terminal" },
  { "speed", verb_speed, "measure the speed to a server over all links together" },
  { "version", verb_version, "print the version" },
  { "help", verb_help, "explain a verb" },
};

static char *
format_help (void)
{
  GString *text = g_string_new ("usage: caiman VERB [OPTION...] [ARGUMENT...]\n\nverbs:\n");
  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    g_string_append_printf (text, "  %-8s %s\n", verbs[i].name, verbs[i].what);
  g_string_append (text,
                   "\n'caiman help VERB' explains a verb and its options.\n\n"
                   "exit status: 0 all held, 1 an expectation failed, 2 usage or scenario error,\n"
                   "3 safety, 4 liveness, 70 internal or database error, 77 every run skipped,\n"
                   "130 interrupted. Of several runs the worst counts: 3, 4, 70, 2, 1, 0.\n");
  return g_string_free (text, FALSE);
}

static int
run_verb (int argc, char **argv)
{
  const char *names[G_N_ELEMENTS (verbs)];
  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++) {
    names[i] = verbs[i].name;
    if (strcmp (argv[0], verbs[i].name) == 0)
      return verbs[i].verb (argc, argv);
  }
  const char *nearest = suggest_nearest (argv[0], names, G_N_ELEMENTS (names));
  if (nearest != NULL)
    tool_error ("there is no verb '%s'; did you mean '%s'?", argv[0], nearest);
  else
    tool_error ("there is no verb '%s'; see 'caiman help'", argv[0]);
  return EXIT_STATUS_USAGE;
}

static int
verb_version (int argc, char **argv)
{
  int status;
  if (!tool_parse (&argc, &argv, NULL, "",
                   "Prints the version, and the commit that it was built of.", NULL, 0, 0, &status))
    return status;
  g_autofree char *text = g_strdup_printf ("caiman %s (%s)\n", CAIMAN_VERSION, tool_get_git_id ());
  tool_print (text);
  return RUN_EXIT_HELD;
}

static int
verb_help (int argc, char **argv)
{
  int status;
  if (!tool_parse (&argc, &argv, NULL, "[VERB]", "Explains a verb and its options.", NULL, 0, 1,
                   &status))
    return status;
  if (argc == 2) {
    char help[] = "--help";
    char *arguments[] = { argv[1], help, NULL };
    return run_verb (2, arguments);
  }
  g_autofree char *text = format_help ();
  tool_print (text);
  return RUN_EXIT_HELD;
}

int
main (int argc, char **argv)
{
  static char help[] = "help", version[] = "version";
  setlocale (LC_CTYPE, "");
  if (!tool_init_log ())
    return EXIT_STATUS_USAGE;
  if (argc < 2) {
    g_autofree char *text = format_help ();
    g_printerr ("%s", text);
    return EXIT_STATUS_USAGE;
  }
  if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0)
    argv[1] = help;
  else if (strcmp (argv[1], "--version") == 0)
    argv[1] = version;
  return run_verb (argc - 1, argv + 1);
}
