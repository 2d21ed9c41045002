/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.c - optimal string alignment distance over three rows. */
#include "config/suggest.h"

#include <string.h>

/* Longer names are cut: nobody misspells a key of 64 bytes by one letter. */
#define NAME_MAX_BYTES 64

static guint
min3 (guint a, guint b, guint c)
{
  return MIN (MIN (a, b), c);
}

guint
suggest_distance (const char *a, const char *b)
{
  gsize len_a = strnlen (a, NAME_MAX_BYTES);
  gsize len_b = strnlen (b, NAME_MAX_BYTES);
  guint rows[3][NAME_MAX_BYTES + 1];
  guint *before = rows[0], *previous = rows[1], *current = rows[2];

  for (guint j = 0; j <= len_b; j++)
    previous[j] = j;
  for (guint i = 1; i <= len_a; i++) {
    current[0] = i;
    for (guint j = 1; j <= len_b; j++) {
      char x = g_ascii_tolower (a[i - 1]), y = g_ascii_tolower (b[j - 1]);
      current[j] = min3 (previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (x != y));
      if (i > 1 && j > 1 && x == g_ascii_tolower (b[j - 2]) && g_ascii_tolower (a[i - 2]) == y)
        current[j] = MIN (current[j], before[j - 2] + 1);
    }
    guint *oldest = before;
    before = previous;
    previous = current;
    current = oldest;
  }
  return previous[len_b];
}

const char *
suggest_nearest (const char *name, const char *const *names, gsize n_names)
{
  const char *nearest = NULL;
  guint nearest_distance = G_MAXUINT;

  for (gsize i = 0; i < n_names; i++) {
    guint distance = suggest_distance (name, names[i]);
    guint allowed = MAX (1, MAX (strlen (name), strlen (names[i])) / 3);
    if (distance <= allowed && distance < nearest_distance) {
      nearest = names[i];
      nearest_distance = distance;
    }
  }
  return nearest;
}

const char *
suggest_nearest_strv (const char *name, const char *const *names)
{
  return suggest_nearest (name, names, g_strv_length ((char **)names));
}
