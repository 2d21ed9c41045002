/* SPDX-License-Identifier: Apache-2.0 */
/* presets.h - typical access links, as keys of a [link] group. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  const char *key, *value;
} LinkPresetEntry;

typedef struct {
  const char *name;
  const char *about;           /* one line: what it stands for */
  LinkPresetEntry entries[12]; /* ends with a NULL key */
} LinkPreset;

/* The list; static. */
const LinkPreset *link_presets_get (gsize *n_out);

/* The preset of this name, or NULL. */
const LinkPreset *link_presets_find (const char *name);

/* NULL-terminated names; static. */
const char *const *link_presets_get_names (void);

G_END_DECLS
