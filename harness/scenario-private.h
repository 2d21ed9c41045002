/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-private.h - what the files of the scenario reader share.
 *
 * Reading goes in steps: scenario-layers.c scans the file and those it extends and lays them over
 * each other; scenario-head.c, -link.c, -traffic.c, -event.c and expect.c resolve the groups of the
 * result; sweep.c tries each value of the sweep. All of them note errors in one ScanErrors. */
#pragma once

#include "config/fields.h"
#include "harness/scenario-values.h"

G_BEGIN_DECLS

/* ---- layers ---- */

typedef struct {
  char *parameter; /* for messages */
  char *group;
  char *key;
  char *value;
  ScanPlace place; /* of the sweep's line; unused when ! has_place */
  gboolean has_place;
} ScenarioOverride;

struct _ScenarioOverrides {
  GPtrArray *items; /* ScenarioOverride * */
  gboolean without_sweep;
  char *testbed; /* (nullable) */
};

/* "link lte.delay" to "link lte" and "delay"; FALSE when it has no such form. */
gboolean scenario_split_parameter (const char *parameter, char **group_out, char **key_out);

/* Sets one value with the place that its errors are to be told at. */
void scenario_overrides_set_at (ScenarioOverrides *overrides, const char *parameter,
                                const char *value, ScanPlace place);

/* Scans the file at @path and what it extends. (nullable) NULL when it cannot be read. @text_out
 * (transfer full) is the file's own text. */
ScanDoc *scenario_layers_load (const char *path, ScanErrors *errors, char **text_out);

/* The same for a text in memory, which extends nothing. */
ScanDoc *scenario_layers_parse (const char *name, const char *text, gsize size, ScanErrors *errors);

/* Lays @overrides over @doc. */
void scenario_layers_apply (ScanDoc *doc, const ScenarioOverrides *overrides, ScanErrors *errors);

/* Sets a key of a later layer: "rate" also displaces "up.rate" and "down.rate". */
void scenario_layer_set (ScanGroup *group, const char *key, const char *value, ScanPlace place);

/* Takes the groups [testbed NAME] out of @doc, tries each of them, and lays that of @testbed (NULL:
 * sim) over it. */
void scenario_testbed_apply (ScanDoc *doc, const char *testbed, ScanErrors *errors);

/* ---- fields of a group ---- */

/* Besides those of fields.h. */

/* The entry of "up.KEY" or "down.KEY", else of "KEY". */
const ScanEntry *fields_find_direction (const Fields *fields, const char *key,
                                        ScenarioDirection direction);
/* The value, or @fallback when the key is not there or wrong (noted then). */
gint64 fields_rate (const Fields *fields, const char *key, gint64 fallback);

/* ---- groups ---- */

typedef struct {
  ScanErrors *errors;
  const ScanDoc *doc;
  Scenario *scenario;
} Reader;

/* The name of "[link NAME]" when @group has the form "@kind NAME", else NULL. */
const char *reader_get_name (const ScanGroup *group, const char *kind);

/* Groups that nobody knows, and names that cannot be used. */
void reader_check_groups (Reader *reader);

void reader_read_scenario (Reader *reader);
void reader_read_endpoints (Reader *reader);
void reader_read_traces (Reader *reader);
void reader_read_bottlenecks (Reader *reader);
void reader_read_links (Reader *reader);
void reader_read_cross (Reader *reader);
void reader_read_flows (Reader *reader);
void reader_read_events (Reader *reader);
void reader_read_expects (Reader *reader);
void reader_read_sweep (Reader *reader);

/* Keys that links and bottlenecks have. */
void reader_read_rate (Reader *reader, const Fields *fields, ScenarioDirection direction,
                       gboolean is_required, ScenarioPath *path);
void reader_read_queue (const Fields *fields, ScenarioDirection direction, ScenarioPath *path);

/* TRUE when the value has the form trace(NAME): 1 + its index is in *@number_out, or an error has
 * been noted. @field: the SimTraceFields bit that it needs. */
gboolean reader_take_trace (Reader *reader, const Fields *fields, const ScanEntry *entry,
                            guint field, guint *number_out);

/* Replaces the names of trace files in @doc by what is in them. */
void scenario_traces_load (ScanDoc *doc, ScanErrors *errors);

/* TRUE when a key is set that only packets know of. */
gboolean scenario_link_has_packets (const ScenarioLink *link);

void scenario_trace_print (GString *text, const ScenarioTrace *trace);

/* What must hold between groups. */
void reader_check_flows (Reader *reader);
void reader_check_events (Reader *reader);

/* Resolves a document. Never NULL: when errors were noted, the result is good for finding more
 * errors only. */
Scenario *scenario_resolve (const ScanDoc *doc, ScanErrors *errors);

/* Tries each value of the sweep alone and notes its errors at the sweep's line. */
void sweep_check_values (const Scenario *scenario, const ScanDoc *doc, ScanErrors *errors);

/* (transfer full) the texts that scenario_print() writes after "do =", "at/when/after =" and the
 * bound of an expectation. */
char *event_format_action (const Scenario *scenario, const ScenarioEvent *event);
char *event_format_trigger (const Scenario *scenario, const ScenarioEvent *event);

/* Names of a kind of item, NULL-terminated; the names are borrowed. (transfer container) */
const char **scenario_list_links (const Scenario *scenario);
const char **scenario_list_flows (const Scenario *scenario);
const char **scenario_list_events (const Scenario *scenario);

void scenario_trace_free (gpointer trace);
void scenario_bottleneck_free (gpointer bottleneck);
void scenario_cross_free (gpointer cross);
void scenario_link_free (gpointer link);
void scenario_flow_free (gpointer flow);
void scenario_event_free (gpointer event);
void scenario_expect_free (gpointer expect);
void scenario_sweep_free (gpointer sweep);

/* scenario-tcp.c: the keys of carrier = tcp, and the carrier's receive buffer. */
extern const char *const scenario_congestion_names[];
void reader_check_tcp (Reader *reader); /* after all links have been read */
void reader_read_tcp (Reader *reader, const Fields *fields, ScenarioLink *link);
void scenario_print_tcp (GString *text, const ScenarioLink *link);

G_END_DECLS
