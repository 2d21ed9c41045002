/* SPDX-License-Identifier: Apache-2.0 */
/* trace-block-private.h - what writer and reader of a block agree on, see trace-block.h. */
#pragma once

#include "harness/trace-block.h"

G_BEGIN_DECLS

/* What of an event was not as guessed. */
enum {
  STEP_TIME = 1 << 0, /* it is later than the event before */
  STEP_KIND = 1 << 1,
  STEP_A = 1 << 2,
  STEP_B = 1 << 3,
};

/* The upper half of a step: events as guessed, before the one that the lower half is about. */
#define STEP_RUN_SHIFT 4
#define STEP_RUN_MAX   15

typedef enum {
  TRACE_COLUMN_STEPS,
  TRACE_COLUMN_TIMES,
  TRACE_COLUMN_KINDS,
  TRACE_COLUMN_A,
  TRACE_COLUMN_B,
  TRACE_N_COLUMNS
} TraceColumn;

/* A LEB128 number of 64 bits. */
#define TRACE_NUMBER_BYTES_MAX 10

#define TRACE_NAME_BYTES_MAX 63

/* A kind's side, rule, two numbers and two names. */
#define TRACE_KIND_BYTES_MAX (2 + 2 * TRACE_NUMBER_BYTES_MAX + 2 * (1 + TRACE_NAME_BYTES_MAX))

/* A block before it is deflated. */
#define TRACE_BLOCK_BYTES_MAX                                                                      \
  (1024 + TRACE_MODEL_KINDS_MAX * TRACE_KIND_BYTES_MAX +                                           \
   TRACE_N_COLUMNS * TRACE_BLOCK_EVENTS_MAX * TRACE_NUMBER_BYTES_MAX)

G_END_DECLS
