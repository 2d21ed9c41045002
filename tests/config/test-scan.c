/* SPDX-License-Identifier: Apache-2.0 */
/* test-scan.c - the line scanner: what it takes, what it refuses and with which words. */
#include "config/scan.h"

#include <string.h>

static char *
join_errors (ScanErrors *errors)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);

  scan_errors_flush (errors, messages);
  g_ptr_array_add (messages, NULL);
  return g_strjoinv ("\n", (char **)messages->pdata);
}

/* The document as "[group]key=value;..." */
static char *
show (const ScanDoc *doc)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < doc->groups->len; i++) {
    const ScanGroup *group = g_ptr_array_index (doc->groups, i);
    g_string_append_printf (text, "[%s]", group->name);
    for (guint j = 0; j < group->entries->len; j++) {
      const ScanEntry *entry = g_ptr_array_index (group->entries, j);
      g_string_append_printf (text, "%s=%s@%u;", entry->key, entry->value, entry->place.line);
    }
  }
  return g_string_free (text, FALSE);
}

static const struct {
  const char *text;
  const char *doc;
  const char *errors;
} cases[] = {
  { "", "", "" },
  { "\n  \n\t\n# comment\n  # another\n", "", "" },
  { "[a]\nb = c\n", "[a]b=c@2;", "" },
  { "[a]\r\nb = c\r\n", "[a]b=c@2;", "" },
  { "\xef\xbb\xbf[a]\nb = c\n", "[a]b=c@2;", "" },
  { "\xef\xbb\xbf", "", "" },
  { "[a]   # why\nb=c # why\nd = e#f\ng = # not a value", "[a]b=c@2;d=e#f@3;",
    "f:4: key 'g' has no value" },
  { "[ link \t wifi ]\n  up.rate   =   1mbit  \n", "[link wifi]up.rate=1mbit@2;", "" },
  { "[sweep]\nlink   lte.delay = 1ms,  2ms\n", "[sweep]link lte.delay=1ms,  2ms@2;", "" },
  { "[e]\nx = >= 95%\n", "[e]x=>= 95%@2;", "" },
  { "[e]\nx >= 95%\ny <= 5ms\nz < = 5ms\n", "[e]",
    "f:2: a bound is written 'x = >= 95%'\n"
    "f:3: a bound is written 'y = <= 5ms'\n"
    "f:4: a bound is written 'z = <= 5ms'" },
  { "a = b\nc = d\n[g]\n", "[g]", "f:1: key 'a' stands before any group" },
  { "[a]\nb = 1\nb = 2\n[c]\nb = 3\n", "[a]b=1@2;[c]b=3@5;",
    "f:3: key 'b' is already set in line 2" },
  { "[a]\nb = 1\n\n[a]\nb = 2\n", "[a]b=1@2;[a]b=2@5;",
    "f:4: group [a] is already there in line 1" },
  { "[a\nb = 1\n[a]c\nb = 2\n[c d\nb = 3\n", "[a]b=1@2;[c d]b=3@6;",
    "f:1: group header lacks its ']'\n"
    "f:3: group header lacks its ']'\n"
    "f:5: group header lacks its ']'" },
  { "[a]\n[]\nb = 1\n[x.y]\nb = 2\n[g]\nb = 3\n", "[a][g]b=3@7;",
    "f:2: '' is not a group name (letters, digits, '-', '_' and a space)\n"
    "f:4: 'x.y' is not a group name (letters, digits, '-', '_' and a space)" },
  { "[a\n[]\n[a]b\n[x.y]\n", "[a]",
    "f:1: group header lacks its ']'\n"
    "f:2: '' is not a group name (letters, digits, '-', '_' and a space)\n"
    "f:3: group header lacks its ']'\n"
    "f:4: 'x.y' is not a group name (letters, digits, '-', '_' and a space)" },
  { "[a]\nnonsense\n= 5\nk/y = 5\n", "[a]",
    "f:2: neither '[group]' nor 'key = value' nor a comment\n"
    "f:3: no key before the '='\n"
    "f:4: 'k/y' is not a key (letters, digits, '-', '_', '.' and spaces)" },
  { "[a]\nb = \xff\n", "[a]", "f:2: line is not UTF-8 text" },
};

static void
test_lines (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (ScanErrors) errors = scan_errors_new ();
    guint file = scan_errors_add_file (errors, "f");
    g_autoptr (ScanDoc) doc = scan_text (cases[i].text, strlen (cases[i].text), file, errors);
    g_autofree char *shown = show (doc);
    g_autofree char *messages = join_errors (errors);
    g_assert_cmpstr (shown, ==, cases[i].doc);
    g_assert_cmpstr (messages, ==, cases[i].errors);
  }
}

static void
test_bounds (void)
{
  g_autoptr (ScanErrors) errors = scan_errors_new ();
  guint file = scan_errors_add_file (errors, "f");
  g_autoptr (GString) text = g_string_new ("[a]\nb = ");

  for (guint i = 0; i < SCAN_LINE_MAX_BYTES; i++)
    g_string_append_c (text, 'x');
  g_string_append (text, "\nc = \n");
  g_string_append_len (text,
                       "d = 1\0"
                       "2\n",
                       8);
  g_autoptr (ScanDoc) doc = scan_text (text->str, text->len, file, errors);
  g_autofree char *shown = show (doc);
  g_autofree char *messages = join_errors (errors);
  g_assert_cmpstr (shown, ==, "[a]");
  g_assert_cmpstr (messages, ==,
                   "f:2: line is longer than 8192 bytes\n"
                   "f:3: key 'c' has no value\n"
                   "f:4: line is not UTF-8 text");

  g_autofree char *large = g_strnfill (SCAN_TEXT_MAX_BYTES + 1, '\n');
  guint large_file = scan_errors_add_file (errors, "large");
  g_autoptr (ScanDoc) none = scan_text (large, strlen (large), large_file, errors);
  g_autofree char *more = join_errors (errors);
  g_assert_cmpuint (none->groups->len, ==, 0);
  g_assert_true (g_str_has_suffix (more, "large:1: file is larger than 1048576 bytes"));
}

/* Files in their order, then lines, then as found; the same said twice is told once. */
static void
test_errors (void)
{
  g_autoptr (ScanErrors) errors = scan_errors_new ();
  guint a = scan_errors_add_file (errors, "a");
  guint b = scan_errors_add_file (errors, "b");

  scan_errors_add (errors, (ScanPlace) { b, 1 }, "six");
  scan_errors_add (errors, (ScanPlace) { a, 9 }, "four");
  scan_errors_add (errors, (ScanPlace) { a, 9 }, "five");
  scan_errors_add (errors, (ScanPlace) { a, 9 }, "four");
  scan_errors_add (errors, (ScanPlace) { a, 2 }, "number %d", 3);
  scan_errors_add (errors, (ScanPlace) { a, 0 }, "one");
  g_assert_cmpuint (scan_errors_count (errors), ==, 5);

  ScanPlace place;
  g_assert_cmpstr (scan_errors_get (errors, 1, &place), ==, "four");
  g_assert_cmpuint (place.line, ==, 9);
  g_assert_cmpstr (scan_errors_get_file (errors, b), ==, "b");

  g_autoptr (ScanErrors) like = scan_errors_new_like (errors);
  g_assert_cmpuint (scan_errors_count (like), ==, 0);
  g_assert_cmpstr (scan_errors_get_file (like, b), ==, "b");

  g_autofree char *messages = join_errors (errors);
  g_assert_cmpstr (messages, ==, "a: one\na:2: number 3\na:9: four\na:9: five\nb:1: six");

  for (guint i = 0; i < 2 * SCAN_ERRORS_MAX; i++)
    scan_errors_add (errors, (ScanPlace) { a, i + 10 }, "many");
  g_assert_cmpuint (scan_errors_count (errors), ==, SCAN_ERRORS_MAX);
  g_autofree char *many = join_errors (errors);
  g_auto (GStrv) lines = g_strsplit (many, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, SCAN_ERRORS_TOLD + 1);
  g_assert_cmpstr (lines[SCAN_ERRORS_TOLD - 1], ==, "a:25: many");
  g_assert_cmpstr (lines[SCAN_ERRORS_TOLD], ==, "a: and 385 more errors");
  scan_errors_free (NULL);
}

static void
test_doc (void)
{
  g_autoptr (ScanDoc) doc = scan_doc_new ();
  ScanGroup *group = scan_doc_add (doc, "a", (ScanPlace) { 0, 1 });

  scan_group_set (group, "x", "1", (ScanPlace) { 0, 2 });
  scan_group_set (group, "y", "2", (ScanPlace) { 0, 3 });
  scan_group_set (group, "x", "3", (ScanPlace) { 0, 4 });
  g_autoptr (ScanDoc) copy = scan_doc_copy (doc);
  scan_group_remove (group, "x");
  scan_group_remove (group, "none");
  g_autofree char *shown = show (doc);
  g_autofree char *shown_copy = show (copy);
  g_assert_cmpstr (shown, ==, "[a]y=2@3;");
  g_assert_cmpstr (shown_copy, ==, "[a]x=3@4;y=2@3;");
  g_assert_null (scan_doc_find (doc, "b"));
  scan_doc_free (NULL);
}

static void
test_split (void)
{
  static const struct {
    const char *value;
    char separator;
    const char *parts; /* joined by '|'; NULL: refused */
  } splits[] = {
    { "a", ',', "a" },
    { "a, b ,c", ',', "a|b|c" },
    { "a,,b,", ',', "a||b|" },
    { "gilbert(1%, 2%), none", ',', "gilbert(1%, 2%)|none" },
    { "  set   lte\trate=1mbit ", ' ', "set|lte|rate=1mbit" },
    { "set a loss=gilbert(1%, 30%) for 1s", ' ', "set|a|loss=gilbert(1%, 30%)|for|1s" },
    { "a)", ',', NULL },
    { "(a", ',', NULL },
    { "a)(b", ' ', NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (splits); i++) {
    g_auto (GStrv) parts = scan_split (splits[i].value, splits[i].separator);
    g_autofree char *joined = parts ? g_strjoinv ("|", parts) : NULL;
    g_assert_cmpstr (joined, ==, splits[i].parts);
  }
}

static void
test_call (void)
{
  static const struct {
    const char *value, *parts;
  } calls[] = {
    { "none", "none" },        { " none ", "none" }, { "normal(2ms)", "normal|2ms" },
    { "f( a , b )", "f|a|b" }, { "f()", "f|" },      { "", NULL },
    { "f(a", NULL },           { "f(a)b", NULL },    { "f(g(a))", NULL },
    { "f(a)(b)", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (calls); i++) {
    g_auto (GStrv) parts = scan_call (calls[i].value);
    g_autofree char *joined = parts ? g_strjoinv ("|", parts) : NULL;
    g_assert_cmpstr (joined, ==, calls[i].parts);
  }
}

static void
test_names (void)
{
  g_autofree char *longest = g_strnfill (63, 'a');
  g_autofree char *too_long = g_strnfill (64, 'a');

  g_assert_true (scan_is_name ("wifi-2_b"));
  g_assert_true (scan_is_name (longest));
  g_assert_false (scan_is_name (too_long));
  g_assert_false (scan_is_name (""));
  g_assert_false (scan_is_name ("a b"));
  g_assert_false (scan_is_name ("a.b"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/scan/lines", test_lines);
  g_test_add_func ("/config/scan/bounds", test_bounds);
  g_test_add_func ("/config/scan/errors", test_errors);
  g_test_add_func ("/config/scan/doc", test_doc);
  g_test_add_func ("/config/scan/split", test_split);
  g_test_add_func ("/config/scan/call", test_call);
  g_test_add_func ("/config/scan/names", test_names);
  return g_test_run ();
}
