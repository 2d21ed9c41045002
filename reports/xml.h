/* SPDX-License-Identifier: Apache-2.0 */
/* xml.h - texts in XML: escaped, and without what XML 1.0 has no way to write. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* ` NAME="VALUE"`; line ends and tabs of the value stay what they are. */
void xml_append_attribute (GString *out, const char *name, const char *value);

/* The text of an element; line ends are written as such. */
void xml_append_text (GString *out, const char *text);

G_END_DECLS
