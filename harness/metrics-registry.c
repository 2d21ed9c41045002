/* SPDX-License-Identifier: Apache-2.0 */
/* metrics-registry.c - the list. Definitions are in docs; the meaning here is their short form. */
#include "harness/metrics-registry.h"

#include "config/suggest.h"

#include <string.h>

#define LOWER   METRIC_LOWER_IS_BETTER
#define HIGHER  METRIC_HIGHER_IS_BETTER
#define NEUTRAL METRIC_NEUTRAL

#define FLOW(name, unit, better, meaning)                                                          \
  {                                                                                                \
    name, SCENARIO_SUBJECT_FLOW, METRIC_UNIT_##unit, better, FALSE, FALSE, meaning                 \
  }
#define LINK(name, unit, better, meaning)                                                          \
  {                                                                                                \
    name, SCENARIO_SUBJECT_LINK, METRIC_UNIT_##unit, better, TRUE, FALSE, meaning                  \
  }
#define LINK_SIDE(name, unit, better, meaning)                                                     \
  {                                                                                                \
    name, SCENARIO_SUBJECT_LINK, METRIC_UNIT_##unit, better, FALSE, TRUE, meaning                  \
  }
#define RUN(name, unit, better, meaning)                                                           \
  {                                                                                                \
    name, SCENARIO_SUBJECT_CONNECTION, METRIC_UNIT_##unit, better, FALSE, FALSE, meaning           \
  }
#define CONNECTION(name, unit, better, meaning)                                                    \
  {                                                                                                \
    name, SCENARIO_SUBJECT_CONNECTION, METRIC_UNIT_##unit, better, FALSE, TRUE, meaning            \
  }

/* clang-format off */
static const MetricInfo metrics[] = {
  FLOW ("goodput", RATE, HIGHER,
        "delivered payload over the time from the first byte offered to the last delivered"),
  FLOW ("efficiency", RATIO, HIGHER,
        "ideal time over real time, with the overhead of headers counted as lost"),
  FLOW ("efficiency-payload", RATIO, HIGHER,
        "the same against an ideal that has to carry the headers, too"),
  FLOW ("ideal-time", TIME, NEUTRAL,
        "the fluid bound: the least time that the links' capacity allows, faults included"),
  FLOW ("completion-time", TIME, LOWER,
        "from the first byte offered to the last delivered"),
  FLOW ("ebenefit", RATIO, HIGHER,
        "what combining gains: 0 is the best single link, 100 % the sum of all links"),
  FLOW ("longest-gap", TIME, LOWER,
        "longest time between two deliveries while offered bytes were undelivered"),
  FLOW ("failover-gap", TIME, LOWER,
        "the longest gap that straddles the start of a fault"),
  FLOW ("recovery", TIME, LOWER,
        "from a fault's end until a 100 ms mean reaches 95 % of the rate before it"),
  FLOW ("latency-p50", TIME, LOWER, "median message latency, offered to delivered"),
  FLOW ("latency-p90", TIME, LOWER, "90th percentile of message latency"),
  FLOW ("latency-p99", TIME, LOWER, "99th percentile of message latency"),
  FLOW ("latency-max", TIME, LOWER, "longest message latency"),
  FLOW ("latency-mean", TIME, LOWER, "mean message latency"),
  FLOW ("delivered-bytes", BYTES, HIGHER, "payload delivered to the receiving application"),
  FLOW ("offered-bytes", BYTES, NEUTRAL, "payload that the sending application has offered"),
  FLOW ("messages", COUNT, HIGHER, "messages delivered (request: responses)"),
  FLOW ("reorder-peak", BYTES, LOWER, "most payload that waited behind a gap at the receiver"),
  FLOW ("lost-ramp-up", TIME, LOWER, "time lost on links that were not yet in full use"),
  FLOW ("lost-head-of-line", TIME, LOWER, "time lost while all that arrived waited behind a gap"),
  FLOW ("lost-detection", TIME, LOWER, "time lost before the sender noticed a fault"),
  FLOW ("lost-resend", TIME, LOWER, "time lost by carrying payload more than once"),
  FLOW ("lost-framing", TIME, LOWER, "time lost by carrying headers and control messages"),
  FLOW ("lost-idle", TIME, LOWER, "time lost on links that were idle for any other reason"),

  CONNECTION ("connect-time", TIME, LOWER,
              "from the first connect to the established connection"),
  CONNECTION ("duplicate-bytes", BYTES, LOWER,
              "payload sent a second time on purpose, over another link"),
  CONNECTION ("resent-bytes", BYTES, LOWER,
              "payload sent again because its link failed or stopped working"),
  CONNECTION ("wasted-bytes", BYTES, LOWER,
              "payload received that had been received before"),
  CONNECTION ("links-ended", COUNT, LOWER, "links that ended before the connection did"),
  CONNECTION ("reconnects", COUNT, LOWER, "links that were opened again after their end"),
  CONNECTION ("protocol-errors", COUNT, LOWER, "violations of the protocol that were met"),
  CONNECTION ("memory-peak", BYTES, LOWER, "most memory that one endpoint held in its queues"),
  RUN ("cpu-per-gb", TIME, LOWER,
       "in real time: processor time of the whole run per GB of payload delivered"),
  RUN ("lateness-p99", TIME, LOWER,
       "in real time: 99th percentile of how late the testbed's timers were"),
  RUN ("lateness-max", TIME, LOWER, "in real time: how late the testbed's latest timer was"),
  RUN ("network-timer", TIME, LOWER,
       "in the lab: how late a timer of its network is at rest, in the median"),
  RUN ("network-lateness-p99", TIME, LOWER,
       "in the lab: 99th percentile of how late packets were delivered"),
  RUN ("network-lateness-max", TIME, LOWER, "in the lab: how late the latest packet was"),
  RUN ("network-cpu", TIME, LOWER, "in the lab: processor time of the thread that moves packets"),

  LINK ("bytes", BYTES, NEUTRAL, "payload sent over the link, each copy counted"),
  LINK ("wire-bytes", BYTES, NEUTRAL, "all bytes sent over the link, headers and acks included"),
  LINK ("resent", BYTES, LOWER, "payload sent over the link that another link should have carried"),
  LINK ("duplicate", BYTES, LOWER, "payload sent over the link that was under way on another, too"),
  LINK ("share", RATIO, NEUTRAL, "the link's part of all payload sent in this direction"),
  LINK ("utilisation", RATIO, HIGHER, "wire bytes over what the link could carry while a flow ran"),
  LINK_SIDE ("suspected-count", COUNT, LOWER, "times the link was suspected to be silent"),
  LINK_SIDE ("not-working-count", COUNT, LOWER, "times the link went from working to not working"),
  LINK_SIDE ("state-time-working", TIME, HIGHER, "time in state working"),
  LINK_SIDE ("state-time-not-working", TIME, LOWER, "time in state not working"),
  LINK_SIDE ("state-time-blocked", TIME, NEUTRAL, "time blocked"),
  LINK_SIDE ("ends", COUNT, LOWER, "times the link ended before the connection did"),
  LINK_SIDE ("rtt-min", TIME, LOWER, "smallest RTT measured"),
  LINK_SIDE ("rtt-mean", TIME, LOWER, "mean of the smoothed RTT over the samples"),
};
/* clang-format on */

const MetricInfo *
metrics_registry_get (gsize *n_out)
{
  *n_out = G_N_ELEMENTS (metrics);
  return metrics;
}

const MetricInfo *
metrics_registry_find (ScenarioSubject subject, const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (metrics); i++)
    if (metrics[i].subject == subject && strcmp (metrics[i].name, name) == 0)
      return &metrics[i];
  return NULL;
}

const char *
metrics_registry_suggest (ScenarioSubject subject, const char *name)
{
  const char *names[G_N_ELEMENTS (metrics)];
  gsize n = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (metrics); i++)
    if (metrics[i].subject == subject)
      names[n++] = metrics[i].name;
  return suggest_nearest (name, names, n);
}

const char *
metric_unit_to_string (MetricUnit unit)
{
  switch (unit) {
  case METRIC_UNIT_TIME:
    return "ns";
  case METRIC_UNIT_BYTES:
    return "bytes";
  case METRIC_UNIT_RATE:
    return "bit/s";
  case METRIC_UNIT_RATIO:
    return "ratio";
  case METRIC_UNIT_COUNT:
    break;
  }
  return "count";
}
