/* SPDX-License-Identifier: Apache-2.0 */
/* verb-diff.c - caiman diff: what became better or worse between two sets of recorded runs. */
#include "config/units.h"
#include "harness/gate-rules.h"
#include "harness/run.h"
#include "harness/scenario.h"
#include "reports/diff-format.h"
#include "reports/summary.h"
#include "tools/tool.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Of a line, where standard output is not a terminal that is wider. */
#define WIDTH_DEFAULT 80

typedef struct {
  char *base_campaign, *new_campaign, *base_policy, *new_policy, *confidence;
  char *markdown, *junit; /* files, or "-" */
  gboolean json, strict_digest;
} DiffVerb;

static guint
get_width (void)
{
  struct winsize size;
  gboolean is_known = ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : WIDTH_DEFAULT;
}

static gboolean
is_stdout (const char *path)
{
  return path != NULL && strcmp (path, "-") == 0;
}

/* Writes @text (taken) to @path, standard output where that is "-". */
static gboolean
save (const char *path, char *text, GError **error)
{
  g_autofree char *owned = text;
  if (!is_stdout (path))
    return g_file_set_contents (path, owned, -1, error);
  tool_print (owned);
  return TRUE;
}

static int
tell (const DiffVerb *verb, const Diff *diff)
{
  g_autoptr (GError) error = NULL;
  gboolean is_taken = verb->json || is_stdout (verb->markdown) || is_stdout (verb->junit);
  if (verb->json) {
    g_autofree char *json = diff_format_json (diff);
    tool_print (json);
  }
  if (!is_taken && !tool_is_quiet ()) {
    g_autofree char *text = diff_format_text (diff, get_width (), tool_get_verbosity () > 0,
                                              summary_wants_colour (STDOUT_FILENO));
    tool_print (text);
  }
  if ((verb->markdown != NULL &&
       !save (verb->markdown, diff_format_markdown (diff, DIFF_MARKDOWN_BYTES_MAX), &error)) ||
      (verb->junit != NULL && !save (verb->junit, diff_format_junit (diff), &error))) {
    tool_error ("%s", error->message);
    return RUN_EXIT_INTERNAL;
  }
  return diff_is_regression (diff) ? RUN_EXIT_EXPECTATION : RUN_EXIT_HELD;
}

static gboolean
parse_confidence (const char *text, double *confidence_out)
{
  gint64 ppb;
  g_autofree char *problem = units_parse_percent (text, &ppb);
  if (problem == NULL && ppb >= SCENARIO_PPB / 2 && ppb <= SCENARIO_PPB / 1000000 * 999999) {
    *confidence_out = (double)ppb / (double)SCENARIO_PPB;
    return TRUE;
  }
  tool_error ("--confidence takes a percentage from 50%% to 99.9999%%, not '%s'", text);
  return FALSE;
}

static gboolean
check_options (const DiffVerb *verb, DiffOptions *options)
{
  guint n_stdout = (verb->json ? 1 : 0) + (is_stdout (verb->markdown) ? 1 : 0) +
                   (is_stdout (verb->junit) ? 1 : 0);
  if (verb->confidence != NULL && !parse_confidence (verb->confidence, &options->confidence))
    return FALSE;
  if ((verb->base_policy == NULL) != (verb->new_policy == NULL))
    tool_error ("--base-policy and --new-policy go together");
  else if (n_stdout > 1)
    tool_error ("only one of --json, --markdown and --junit can be on standard output");
  else
    return TRUE;
  return FALSE;
}

static int
diff_paths (const DiffVerb *verb, const char *base_path, const char *new_path)
{
  g_autoptr (GError) error = NULL;
  DiffOptions options = { .base_campaign = verb->base_campaign,
                          .new_campaign = verb->new_campaign,
                          .base_policy = verb->base_policy,
                          .new_policy = verb->new_policy,
                          .strict_digest = verb->strict_digest,
                          .rules = gate_rules_get () };
  if (!check_options (verb, &options))
    return EXIT_STATUS_USAGE;
  g_autoptr (Store) base = store_open (base_path, STORE_OPEN_READ_ONLY, &error);
  if (base == NULL)
    return tool_fail (error);
  g_autoptr (Store) new = store_open (new_path, STORE_OPEN_READ_ONLY, &error);
  if (new == NULL)
    return tool_fail (error);
  g_autoptr (Diff) diff = diff_new (base, new, &options, &error);
  if (diff == NULL)
    return tool_fail (error);
  return tell (verb, diff);
}

static void
diff_verb_clear (DiffVerb *verb)
{
  g_free (verb->base_campaign);
  g_free (verb->new_campaign);
  g_free (verb->base_policy);
  g_free (verb->new_policy);
  g_free (verb->confidence);
  g_free (verb->markdown);
  g_free (verb->junit);
}

static const char summary[] =
    "Compares the runs of two databases: runs of the same scenario, parameters and seed in\n"
    "pairs, others as two samples. Tells which metrics became better or worse, by the limits of\n"
    "each scenario's [gate], and which runs do not hold any more.";

static const char description[] =
    "BASE and NEW may be the same file where campaigns or policies are given.\n"
    "With -v every metric is told.\n\n"
    "Exit status: 0 no regression, 1 a regression, 2 usage or no such database or runs,\n"
    "70 internal or database error.";

int
verb_diff (int argc, char **argv)
{
  int status;
  DiffVerb verb = { 0 };
  const GOptionEntry entries[] = {
    { "base-campaign", 0, 0, G_OPTION_ARG_STRING, &verb.base_campaign,
      "Of BASE only the runs of this campaign", "NAME" },
    { "new-campaign", 0, 0, G_OPTION_ARG_STRING, &verb.new_campaign,
      "Of NEW only the runs of this campaign", "NAME" },
    { "base-policy", 0, 0, G_OPTION_ARG_STRING, &verb.base_policy,
      "Compare this policy in BASE ...", "NAME" },
    { "new-policy", 0, 0, G_OPTION_ARG_STRING, &verb.new_policy, "... with this one in NEW",
      "NAME" },
    { "confidence", 0, 0, G_OPTION_ARG_STRING, &verb.confidence,
      "Instead of that of the scenarios (default 99%)", "P%" },
    { "strict-digest", 0, 0, G_OPTION_ARG_NONE, &verb.strict_digest,
      "A changed digest is a regression", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &verb.json, "Print one JSON object, and nothing else",
      NULL },
    { "markdown", 0, 0, G_OPTION_ARG_FILENAME, &verb.markdown,
      "Write a comment for a pull request; - is standard output", "FILE" },
    { "junit", 0, 0, G_OPTION_ARG_FILENAME, &verb.junit,
      "Write a JUnit report; - is standard output", "FILE" },
    G_OPTION_ENTRY_NULL,
  };
  if (tool_parse (&argc, &argv, entries, "BASE NEW", summary, description, 2, 2, &status))
    status = diff_paths (&verb, argv[1], argv[2]);
  diff_verb_clear (&verb);
  return status;
}
