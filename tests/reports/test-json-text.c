/* SPDX-License-Identifier: Apache-2.0 */
/* test-json-text.c - JSON that may stand inside an HTML document. */
#include "reports/json-text.h"

#include <json-glib/json-glib.h>
#include <math.h>

static char *
quote (const char *text)
{
  JsonText json;
  json_text_init (&json);
  json_text_string (&json, text);
  return json_text_finish (&json);
}

static void
assert_quoted (const char *text, const char *expected)
{
  g_autofree char *quoted = quote (text);
  g_assert_cmpstr (quoted, ==, expected);
}

/* What comes back from a reader is the text, and nothing in between can end a script element. */
static void
test_strings (void)
{
  static const char *const texts[] = {
    "",        "plain", "</script><!-- <b>&amp;", "\"\\\n\t\x01\x7f", "\xe2\x80\xa8\xe2\x80\xa9",
    "ünï ☃ 𝄞",
  };
  assert_quoted ("</script>", "\"\\u003c/script\\u003e\"");
  assert_quoted ("a\"b\\c\nd", "\"a\\\"b\\\\c\\nd\"");
  assert_quoted ("\xe2\x80\xa8", "\"\\u2028\"");
  assert_quoted ("\xff", "\"\xef\xbf\xbd\"");
  assert_quoted (NULL, "null");
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autofree char *quoted = quote (texts[i]);
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) node = json_from_string (quoted, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (json_node_get_string (node), ==, texts[i]);
    g_assert_null (strpbrk (quoted, "<>&"));
  }
}

static char *
format_number (double value, int digits)
{
  JsonText json;
  json_text_init (&json);
  if (digits > 0)
    json_text_rounded (&json, value, digits);
  else
    json_text_number (&json, value);
  return json_text_finish (&json);
}

static void
test_numbers (void)
{
  static const double values[] = {
    0, 1, -2.5, 0.1, 1.0 / 3, 9007199254740991.0, 1e-300, 0.975693667
  };
  for (gsize i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autofree char *text = format_number (values[i], 0);
    g_assert_cmpfloat (g_ascii_strtod (text, NULL), ==, values[i]);
  }
  g_autofree char *nothing = format_number (NAN, 0), *infinite = format_number (INFINITY, 0);
  g_autofree char *rounded = format_number (10787197200, 6);
  g_assert_cmpstr (nothing, ==, "null");
  g_assert_cmpstr (infinite, ==, "null");
  g_assert_cmpfloat (g_ascii_strtod (rounded, NULL), ==, 10787200000.0);
}

/* JavaScript would round an integer beyond 2^53. */
static void
test_integers (void)
{
  JsonText json;
  json_text_init (&json);
  json_text_open (&json, '[');
  json_text_integer (&json, -7);
  json_text_integer (&json, G_GINT64_CONSTANT (9007199254740992));
  json_text_integer (&json, G_GINT64_CONSTANT (9007199254740993));
  json_text_integer (&json, G_MININT64);
  json_text_close (&json, ']');
  g_autofree char *text = json_text_finish (&json);
  g_assert_cmpstr (text, ==, "[-7,9007199254740992,\"9007199254740993\",\"-9223372036854775808\"]");
}

static void
test_commas (void)
{
  JsonText json;
  json_text_init (&json);
  json_text_open (&json, '{');
  json_text_member_open (&json, "a", '[');
  json_text_open (&json, '[');
  json_text_close (&json, ']');
  json_text_null (&json);
  json_text_close (&json, ']');
  json_text_member_boolean (&json, "<b>", TRUE);
  json_text_member_string (&json, "c", NULL);
  json_text_close (&json, '}');
  g_autofree char *text = json_text_finish (&json);
  g_assert_cmpstr (text, ==, "{\"a\":[[],null],\"\\u003cb\\u003e\":true,\"c\":null}");
}

static void
test_html (void)
{
  g_autoptr (GString) out = g_string_new (NULL);
  html_append_escaped (out, "<a href=\"x\" title='y'>&\x01\n");
  html_append_escaped (out, NULL);
  g_assert_cmpstr (out->str, ==, "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;?\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/json-text/strings", test_strings);
  g_test_add_func ("/reports/json-text/numbers", test_numbers);
  g_test_add_func ("/reports/json-text/integers", test_integers);
  g_test_add_func ("/reports/json-text/commas", test_commas);
  g_test_add_func ("/reports/json-text/html", test_html);
  return g_test_run ();
}
