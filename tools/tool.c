/* SPDX-License-Identifier: Apache-2.0 */
/* tool.c - see tool.h. */
#include "tools/tool.h"

#include "tools/git-id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int n_verbose;
static gboolean is_quiet;

const char *
tool_get_git_id (void)
{
  return CAIMAN_GIT_ID;
}

const char *
tool_get_version (void)
{
  return CAIMAN_VERSION " (" CAIMAN_GIT_ID ")";
}

/* ---- messages ---- */

void
tool_error (const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_printerr ("caiman: %s\n", text);
}

int
tool_fail (const GError *error)
{
  tool_error ("%s", error->message);
  return store_error_get_exit_status (error);
}

void
tool_print (const char *text)
{
  if (fputs (text, stdout) >= 0 && fflush (stdout) == 0)
    return;
  tool_error ("cannot write to standard output: %s", g_strerror (errno));
  _exit (RUN_EXIT_INTERNAL);
}

/* ---- logging ---- */

/* What is shown: this level and those that are worse. */
static GLogLevelFlags shown_level = G_LOG_LEVEL_WARNING;

static const struct {
  const char *name;
  GLogLevelFlags level;
} levels[] = {
  { "error", G_LOG_LEVEL_CRITICAL },
  { "warning", G_LOG_LEVEL_WARNING },
  { "info", G_LOG_LEVEL_INFO },
  { "debug", G_LOG_LEVEL_DEBUG },
};

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  const char *name = "error", *message = "";
  gssize length = -1;
  level &= G_LOG_LEVEL_MASK;
  if (level > shown_level)
    return G_LOG_WRITER_HANDLED;
  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++) {
    if (levels[i].level <= level)
      name = levels[i].name;
  }
  for (gsize i = 0; i < n_fields; i++) {
    if (strcmp (fields[i].key, "MESSAGE") == 0) {
      message = fields[i].value;
      length = fields[i].length;
    }
  }
  fprintf (stderr, "caiman: %s: %.*s\n", name, length < 0 ? G_MAXINT : (int)length, message);
  return G_LOG_WRITER_HANDLED;
}

gboolean
tool_init_log (void)
{
  const char *wanted = g_getenv ("CAIMAN_LOG");
  g_log_set_writer_func (write_log, NULL, NULL);
  if (wanted == NULL || *wanted == '\0')
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++) {
    if (strcmp (levels[i].name, wanted) == 0) {
      shown_level = levels[i].level;
      return TRUE;
    }
  }
  tool_error ("CAIMAN_LOG is '%s'; it can be error, warning, info or debug", wanted);
  return FALSE;
}

void
tool_set_log_level (GLogLevelFlags level)
{
  shown_level = level;
}

gboolean
tool_is_quiet (void)
{
  return is_quiet;
}

int
tool_get_verbosity (void)
{
  return n_verbose;
}

/* ---- options ---- */

static gboolean
on_verbose (const char *name, const char *value, gpointer data, GError **error)
{
  n_verbose++;
  shown_level = n_verbose == 1 ? G_LOG_LEVEL_INFO : G_LOG_LEVEL_DEBUG;
  return TRUE;
}

static gboolean
on_quiet (const char *name, const char *value, gpointer data, GError **error)
{
  is_quiet = TRUE;
  shown_level = G_LOG_LEVEL_CRITICAL;
  return TRUE;
}

void
tool_add_log_options (GOptionContext *context)
{
  static const GOptionEntry entries[] = {
    { "verbose", 'v', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, on_verbose,
      "Tell more; twice: everything", NULL },
    { "quiet", 'q', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, on_quiet, "Tell errors only",
      NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_option_context_add_main_entries (context, entries, NULL);
}

/* Takes out a "--" that the parser has left in. */
static void
drop_separator (int *argc, char **argv)
{
  if (*argc < 2 || strcmp (argv[1], "--") != 0)
    return;
  memmove (argv + 1, argv + 2, sizeof *argv * (gsize)(*argc - 1));
  (*argc)--;
}

/* --- Values in the same word as the name of their option: "-t5", "-t=5", "-nt5" --- */

/* Of an option of @entries or, when it takes no value, an unknown one: FALSE. */
static gboolean
takes_value (const GOptionEntry *entries, char short_name, const char *long_name)
{
  for (const GOptionEntry *entry = entries; entry != NULL && entry->long_name != NULL; entry++) {
    if (long_name != NULL ? strcmp (entry->long_name, long_name) == 0
                          : entry->short_name == short_name)
      return entry->arg != G_OPTION_ARG_NONE && !(entry->flags & G_OPTION_FLAG_NO_ARG);
  }
  return FALSE;
}

/* Adds @word, which is no value, to @words, as two words when there is a value in it. TRUE: the
 * next one is its value. */
static gboolean
add_word (GPtrArray *words, char *word, const GOptionEntry *entries)
{
  gsize n_names = 1;
  if (word[0] != '-' || word[1] == '\0' || word[1] == '-') {
    g_ptr_array_add (words, word);
    return g_str_has_prefix (word, "--") && takes_value (entries, 0, word + 2);
  }
  while (word[n_names] != '\0' && !takes_value (entries, word[n_names], NULL))
    n_names++;
  if (word[n_names] == '\0' || word[n_names + 1] == '\0') {
    g_ptr_array_add (words, word);
    return word[n_names] != '\0';
  }
  g_autofree char *names = g_strndup (word, n_names + 1);
  char *value = word + n_names + 1;
  g_ptr_array_add (words, (char *)g_intern_string (names));
  g_ptr_array_add (words, value + (*value == '='));
  return FALSE;
}

/* As g_option_context_parse(), which does not know attached values. What is left is in the caller's
 * own array, whoever owns that: it is never more than there was. */
static gboolean
parse_words (GOptionContext *context, int *argc, char **argv, const GOptionEntry *entries,
             GError **error)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  gboolean is_option = FALSE, is_value = TRUE; /* the first is the verb */
  for (int i = 0; i < *argc; i++) {
    is_option = i == 0 || (is_option && (is_value || strcmp (argv[i], "--") != 0));
    if (is_option && !is_value) {
      is_value = add_word (words, argv[i], entries);
    } else {
      g_ptr_array_add (words, argv[i]);
      is_value = FALSE;
    }
  }
  int n_words = (int)words->len;
  g_ptr_array_add (words, NULL);
  char **left = (char **)words->pdata;
  if (!g_option_context_parse (context, &n_words, &left, error))
    return FALSE;
  g_assert (n_words <= *argc);
  memcpy (argv, left, sizeof *left * (gsize)n_words);
  argv[n_words] = NULL;
  *argc = n_words;
  return TRUE;
}

gboolean
tool_parse (int *argc, char ***argv, const GOptionEntry *entries, const char *arguments,
            const char *summary, const char *description, int min, int max, int *status_out)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *verb = g_strdup ((*argv)[0]);
  g_autofree char *usage = g_strdup_printf ("%s", arguments);
  g_autoptr (GOptionContext) context = g_option_context_new (usage);
  g_autofree char *program = g_strconcat ("caiman ", verb, NULL);
  gboolean wants_help = FALSE;
  const GOptionEntry help[] = {
    { "help", 'h', 0, G_OPTION_ARG_NONE, &wants_help, "Show this text", NULL },
    G_OPTION_ENTRY_NULL,
  };

  g_set_prgname (program);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  g_option_context_add_main_entries (context, help, NULL);
  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, NULL);
  tool_add_log_options (context);
  *status_out = EXIT_STATUS_USAGE;
  if (!parse_words (context, argc, *argv, entries, &error)) {
    tool_error ("%s: %s", verb, error->message);
    g_printerr ("See 'caiman %s --help'.\n", verb);
    return FALSE;
  }
  if (wants_help) {
    g_autofree char *text = g_option_context_get_help (context, TRUE, NULL);
    tool_print (text);
    *status_out = RUN_EXIT_HELD;
    return FALSE;
  }
  drop_separator (argc, *argv);
  if (*argc - 1 < min || (max >= 0 && *argc - 1 > max)) {
    if (max == 0)
      tool_error ("%s: '%s' is no option, and no more is taken", verb, (*argv)[1]);
    else
      tool_error ("usage: caiman %s [OPTION...] %s", verb, arguments);
    return FALSE;
  }
  return TRUE;
}

gboolean
tool_parse_seeds (const char *text, guint64 *first_out, guint64 *last_out)
{
  g_auto (GStrv) ends = g_strsplit (text, "..", 2);
  guint64 first, last;
  if (ends[0] == NULL || !g_ascii_string_to_unsigned (ends[0], 10, 0, G_MAXINT64, &first, NULL))
    return FALSE;
  last = first;
  if (ends[1] != NULL && !g_ascii_string_to_unsigned (ends[1], 10, first, G_MAXINT64, &last, NULL))
    return FALSE;
  *first_out = first;
  *last_out = last;
  return TRUE;
}

gboolean
tool_parse_run_id (const char *text, gint64 *id_out)
{
  if (g_ascii_string_to_signed (text, 10, 1, G_MAXINT64, id_out, NULL))
    return TRUE;
  tool_error ("'%s' is not the number of a run", text);
  return FALSE;
}

/* ---- signals ---- */

static volatile sig_atomic_t was_signalled;

static void
on_signal (int number)
{
  was_signalled = 1;
}

volatile sig_atomic_t *
tool_catch_signals (void)
{
  struct sigaction action = { .sa_handler = on_signal };
  sigemptyset (&action.sa_mask);
  sigaction (SIGINT, &action, NULL);
  sigaction (SIGTERM, &action, NULL);
  return &was_signalled;
}
