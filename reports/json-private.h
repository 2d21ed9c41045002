/* SPDX-License-Identifier: Apache-2.0 */
/* json-private.h - members of JSON objects, as all of reports/ writes them. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* @value is nullable: null. */
void report_json_add_string (JsonBuilder *builder, const char *name, const char *value);
void report_json_add_integer (JsonBuilder *builder, const char *name, gint64 value);

/* What is not finite becomes null; whole numbers have no fraction. */
void report_json_add_number (JsonBuilder *builder, const char *name, double value);

G_END_DECLS
