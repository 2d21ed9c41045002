/* SPDX-License-Identifier: Apache-2.0 */
/* faults-private.h - what faults.c (events), faults-link.c (links) and faults-inject.c (a peer that
 * breaks the rules) share. */
#pragma once

#include "harness/run-private.h"

G_BEGIN_DECLS

/* What is wrong with a link now; counts of the events that make it so. */
typedef struct {
  Faults *faults;
  guint index;
  gboolean present; /* the client wants a link over it */
  gboolean started; /* its first time has come */
  guint n_down, n_refusing;
  guint n_dark[SCENARIO_N_DIRECTIONS], n_paused[SCENARIO_N_DIRECTIONS];
  guint n_blocked[SCENARIO_N_SIDES];
  ScenarioPath path[SCENARIO_N_DIRECTIONS]; /* as it is set now */
  TestbedTimer *trace_timer;                /* (nullable) */
  TestbedTimer *start_timer;                /* (nullable) of a link that starts later */
} FaultsLink;

typedef struct {
  ScenarioDirections left; /* directions in which it still holds; 0: undone */
  ScenarioPath saved[SCENARIO_N_DIRECTIONS];
} FaultsTarget;

typedef struct {
  Faults *faults;
  guint index;
  const ScenarioEvent *spec;
  TestbedTimer *begin_timer, *end_timer, *flap_timer;
  gint64 n_begun;
  gboolean active;    /* it holds, for a time or for good */
  gboolean has_fault; /* @fault has begun and not ended */
  guint fault;
  gboolean flap_down;
  FaultsTarget *targets; /* as many as the event has */
  gint64 saved_rate_bps; /* slow-reader */
} FaultsEvent;

struct _Faults {
  Run *run;
  FaultsLink *links;
  FaultsEvent *events;
  gint64 last_end_ns; /* of any fault */
  TestbedTimer *heal_timer;
  GPtrArray *injections; /* (owned) what faults-inject.c has begun */
};

/* faults-link.c */
void faults_link_init (Faults *faults, guint link);
void faults_link_clear (FaultsLink *link);
/* Does (@on) or undoes what @event does to its target number @index, in @directions. */
void faults_apply (FaultsEvent *event, guint index, ScenarioDirections directions, gboolean on);
/* Whether data could flow over @link, or a new link be made that it could flow over. */
gboolean faults_link_is_usable (FaultsLink *link);

typedef void (*FaultsEndFunc) (CaimanLink *end, gint64 now_ns, gpointer user_data);
/* Calls @func for each live link of @side's connection over @link, then touches the pump. */
void faults_each_end (Faults *faults, ScenarioSide side, guint link, FaultsEndFunc func,
                      gpointer user_data);

/* faults-inject.c */
void faults_inject (Faults *faults, ScenarioInject what, guint link, ScenarioDirections direction);

G_END_DECLS
