/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.h - a scenario file, read, checked and resolved to integers.
 *
 * scenario_load() reads a file in the format of scenarios/README.md, tells ALL its errors at once
 * as "file:line: message" and gives plain structs: times in ns, sizes in bytes, rates in bit/s,
 * probabilities and percentages in parts per billion (ppb). Every default is filled in, so a runner
 * has nothing to look up and nothing to guess. "up" is client to server, "down" the way back.
 *
 * scenario_print() writes a scenario with every default made explicit and without its [sweep];
 * reading that text gives the same text again. The BLAKE2b-256 of it, but for its [gate], is @hash.
 */
#pragma once

#include "core/config.h"

G_BEGIN_DECLS

/* 100 % in parts per billion. */
#define SCENARIO_PPB G_GINT64_CONSTANT (1000000000)

/* Rate of a link that is never the bottleneck: "unlimited". */
#define SCENARIO_RATE_UNLIMITED G_MAXINT64

/* Bounds that the reader enforces, so that users can add a few of them without overflow. */
#define SCENARIO_TIME_MAX_NS  (G_GINT64_CONSTANT (10000) * 3600 * CAIMAN_NS_PER_S)
#define SCENARIO_BYTES_MAX    G_GINT64_CONSTANT (1000000000000000)
#define SCENARIO_RATE_MAX_BPS G_GINT64_CONSTANT (1000000000000)
#define SCENARIO_ITEMS_MAX    256 /* links, flows, events, expectations, sweep parameters: each */

typedef enum { SCENARIO_CARRIER_PIPE, SCENARIO_CARRIER_TCP, SCENARIO_N_CARRIERS } ScenarioCarrier;

typedef enum { SCENARIO_SIDE_CLIENT, SCENARIO_SIDE_SERVER, SCENARIO_N_SIDES } ScenarioSide;

/* Index into two-element arrays of directions; as a set, the bits 1 << direction. */
typedef enum { SCENARIO_UP, SCENARIO_DOWN, SCENARIO_N_DIRECTIONS } ScenarioDirection;
typedef enum {
  SCENARIO_ONLY_UP = 1 << SCENARIO_UP,
  SCENARIO_ONLY_DOWN = 1 << SCENARIO_DOWN,
  SCENARIO_BOTH = SCENARIO_ONLY_UP | SCENARIO_ONLY_DOWN
} ScenarioDirections;

/* ---- links ---------------------------------------------------------------------------------- */

typedef enum {
  SCENARIO_JITTER_NONE,
  SCENARIO_JITTER_UNIFORM, /* delay +- spread, evenly */
  SCENARIO_JITTER_NORMAL,  /* spread is the standard deviation */
  SCENARIO_JITTER_PARETO,  /* netem's Pareto of this scale: a long tail of late packets */
  SCENARIO_N_JITTERS
} ScenarioJitterKind;

typedef struct {
  ScenarioJitterKind kind;
  gint64 spread_ns;
  gint64 correlation_ppb; /* of a packet's with the one before it */
} ScenarioJitter;

typedef enum {
  SCENARIO_LOSS_NONE,
  SCENARIO_LOSS_BERNOULLI, /* each packet with probability @p_ppb */
  SCENARIO_LOSS_GILBERT,   /* Gilbert-Elliott, a step per packet, as netem's "gemodel" */
  SCENARIO_LOSS_EVERY,     /* each @nth packet */
  SCENARIO_LOSS_MASK,      /* packet i is lost where character i of @mask is '1', repeating */
  SCENARIO_LOSS_FOUR,      /* netem's four states ("loss state"), a step per packet */
  SCENARIO_N_LOSSES
} ScenarioLossKind;

#define SCENARIO_LOSS_MASK_MAX 64

typedef struct {
  ScenarioLossKind kind;
  gint64 p_ppb;         /* bernoulli: loss; gilbert: good to bad, per packet */
  gint64 r_ppb;         /* gilbert: bad to good, per packet */
  gint64 loss_bad_ppb;  /* gilbert's 1-h: loss in the bad state */
  gint64 loss_good_ppb; /* gilbert's 1-k: loss in the good state */
  gint64 nth;           /* every: >= 1 */
  guint mask_len;       /* mask: bits used, 1 to 64 */
  guint64 mask;         /* mask: bit i (from the lowest) is packet i; 1 = lost */
  gint64 four_ppb[5];   /* four: p13, p31, p32, p23, p14 as netem has them */
} ScenarioLoss;

typedef enum {
  SCENARIO_QUEUE_TIME,
  SCENARIO_QUEUE_BYTES,
  SCENARIO_QUEUE_PACKETS,
  SCENARIO_N_QUEUES
} ScenarioQueueUnit;

typedef struct {
  ScenarioQueueUnit unit;
  gint64 limit; /* ns, bytes or packets; > 0 */
} ScenarioQueue;

typedef enum {
  SCENARIO_DISCIPLINE_TAIL_DROP,
  SCENARIO_DISCIPLINE_DROP_HEAD,
  SCENARIO_DISCIPLINE_CODEL,
  SCENARIO_DISCIPLINE_RED,
  SCENARIO_N_DISCIPLINES
} ScenarioDisciplineKind;

typedef struct {
  ScenarioDisciplineKind kind;
  gint64 target_ns, interval_ns; /* codel */
  ScenarioQueue min, max;        /* red: both in bytes or both in packets, min < max */
  gint64 max_ppb;                /* red: the probability at max */
  gboolean is_gentle;            /* red */
} ScenarioDiscipline;

/* One direction of a link's path. @rate_bps, @delay_ns and @loss do not count where a trace, of
 * which 1 + its index in the scenario's traces is told, has its place; 0: no trace. With a trace
 * of rates, @rate_bps is its mean. */
typedef struct {
  gint64 rate_bps; /* or SCENARIO_RATE_UNLIMITED */
  gint64 delay_ns; /* one way */
  ScenarioJitter jitter;
  ScenarioLoss loss;
  ScenarioQueue queue;
  guint rate_trace, delay_trace, loss_trace;
  ScenarioDiscipline discipline;
  gboolean reorders;         /* packets may overtake each other by jitter */
  gint64 duplicate_ppb;      /* of each packet */
  gint64 corrupt_ppb;        /* of each packet */
  gint64 mtu_bytes;          /* of an IP packet; 0: none */
  gboolean mtu_is_blackhole; /* no ICMP tells the sender */
} ScenarioPath;

/* A queue and a rate per direction that several links share, behind their own. */
typedef struct {
  char *name;
  ScenarioPath path[SCENARIO_N_DIRECTIONS]; /* rate (a trace, too), queue and discipline alone */
  guint line;
} ScenarioBottleneck;

typedef enum {
  SCENARIO_CROSS_CBR,
  SCENARIO_CROSS_POISSON,
  SCENARIO_CROSS_ON_OFF,
  SCENARIO_N_CROSS_KINDS
} ScenarioCrossKind;

/* Packets of others in front of the queue of a link or a bottleneck. */
typedef struct {
  char *name;
  gboolean is_shared; /* @index is of a bottleneck, not of a link */
  guint index;
  ScenarioDirection direction;
  ScenarioCrossKind kind;
  gint64 rate_bps;
  gint64 packet_bytes;
  gint64 on_ns, off_ns; /* on-off: means */
  gint64 starts_ns, stops_ns;
  guint line;
} ScenarioCross;

/* What changes with time; SimTrace is in sim/trace.h. */
typedef struct {
  char *name;
  struct _SimTrace *trace;
  guint line;
} ScenarioTrace;

/* What each end knows about a link as its user: up.* rules the client's, down.* the server's. */
typedef struct {
  gint64 weight;          /* >= 1 */
  gint64 cost;            /* >= 0 */
  gint64 quota_bytes;     /* payload both ways per period; 0: none */
  gint64 quota_period_ns; /* 0: once for the life of the link */
} ScenarioLinkTerms;

typedef enum {
  SCENARIO_CONGESTION_RENO,
  SCENARIO_CONGESTION_CUBIC,
  SCENARIO_CONGESTION_BBR,
  SCENARIO_N_CONGESTIONS
} ScenarioCongestion;

/* A socket buffer that tunes itself. */
#define SCENARIO_BUFFER_AUTO 0

/* What the sockets of a link with carrier = tcp are set to, at both ends; 0 with other carriers. */
typedef struct {
  ScenarioCongestion congestion;
  gint64 initial_window;    /* segments */
  gint64 send_buffer_bytes; /* or SCENARIO_BUFFER_AUTO */
  gint64 user_timeout_ns;   /* CAIMAN_TIME_NEVER: none */
  gboolean is_paced;        /* where the path is long enough; else BBR alone is */
} ScenarioTcp;

typedef struct {
  char *name;
  ScenarioCarrier carrier;
  ScenarioTcp tcp;
  ScenarioPath path[SCENARIO_N_DIRECTIONS];
  ScenarioLinkTerms terms[SCENARIO_N_SIDES];
  gint64 receive_buffer_bytes; /* of the carrier (the socket buffer), at both ends; with tcp,
                                  SCENARIO_BUFFER_AUTO unless it is given */
  gint64 starts_ns;            /* first connect; CAIMAN_TIME_NEVER: by an `add` event only */
  gint64 reconnect_delay_ns;   /* CAIMAN_TIME_NEVER: not reopened */
  gint64 connect_timeout_ns;   /* of the carrier */
  gboolean refused_by[SCENARIO_N_SIDES]; /* that side's link filter rejects it */
  guint bottleneck;                      /* 1 + index of the shared one; 0: none */
  guint line;                            /* of its group's header */
} ScenarioLink;

/* ---- traffic -------------------------------------------------------------------------------- */

typedef enum {
  SCENARIO_TRAFFIC_BULK,     /* as fast as the connection takes it */
  SCENARIO_TRAFFIC_RATE,     /* constant rate */
  SCENARIO_TRAFFIC_REQUEST,  /* request and response, one after the other */
  SCENARIO_TRAFFIC_ON_OFF,   /* constant rate during on, silence during off */
  SCENARIO_TRAFFIC_MESSAGES, /* a message each interval (0: as fast as possible) */
  SCENARIO_N_TRAFFIC_KINDS
} ScenarioTrafficKind;

typedef enum {
  SCENARIO_MODE_STREAM,   /* the byte-stream view */
  SCENARIO_MODE_MESSAGES, /* one send per message */
  SCENARIO_N_MODES
} ScenarioMode;

typedef enum {
  SCENARIO_SIZE_FIXED,       /* @sizes[0] */
  SCENARIO_SIZE_UNIFORM,     /* @min_bytes to @max_bytes, both included */
  SCENARIO_SIZE_EXPONENTIAL, /* mean @mean_bytes before clamping to [@min_bytes, @max_bytes] */
  SCENARIO_SIZE_PARETO,      /* Pareto with shape 1.2 from @min_bytes, clamped to @max_bytes */
  SCENARIO_SIZE_LIST,        /* @sizes in turn, again and again */
  SCENARIO_N_SIZE_KINDS
} ScenarioSizeKind;

#define SCENARIO_SIZE_LIST_MAX 64

typedef struct {
  ScenarioSizeKind kind;
  gint64 min_bytes, max_bytes, mean_bytes;
  guint n_sizes;
  gint64 sizes[SCENARIO_SIZE_LIST_MAX];
} ScenarioSize;

typedef enum {
  SCENARIO_CLOSE_NORMAL, /* the sender closes @close_delay_ns (normal: 0) after its last byte */
  SCENARIO_CLOSE_LATE,
  SCENARIO_CLOSE_NEVER,
  SCENARIO_N_CLOSES
} ScenarioClose;

/* One flow in one direction. A [traffic NAME] with `from = both` gives two, "NAME.up" and
 * "NAME.down" (@group "NAME" in each), in this order. A request flow sends its requests in @from's
 * direction and its responses in the other. Flows that share a direction are all of mode messages
 * (a connection carries one byte stream per direction). */
typedef struct {
  char *name;
  char *group;
  ScenarioSide from;
  gboolean is_paired; /* from = both */
  ScenarioTrafficKind kind;
  ScenarioMode mode;
  gint64 bytes;              /* bulk, rate, on-off: total; G_MAXINT64: until @stops_ns */
  gint64 count;              /* request, messages: how many; G_MAXINT64: until @stops_ns */
  gint64 rate_bps;           /* rate, on-off: of payload */
  ScenarioSize message_size; /* mode messages, and the write size of rate and on-off */
  gint64 interval_ns;        /* messages: between the starts of two */
  ScenarioSize request_size, response_size;
  gint64 think_time_ns; /* request: from a response to the next request */
  gint64 on_ns, off_ns; /* on-off; it starts with on */
  gint64 starts_ns;     /* or when the connection is established, if that is later */
  gint64 stops_ns;      /* offers nothing from then on; CAIMAN_TIME_NEVER */
  ScenarioClose close;
  gint64 close_delay_ns;
  gint64 reader_rate_bps;  /* of the receiving application; SCENARIO_RATE_UNLIMITED */
  gint64 reader_starts_ns; /* reads nothing before */
  guint line;
} ScenarioFlow;

/* ---- the two endpoints ---------------------------------------------------------------------- */

typedef enum {
  SCENARIO_ACCEPT_YES,
  SCENARIO_ACCEPT_REFUSE,        /* the application refuses the connection (Refused 3) */
  SCENARIO_ACCEPT_NOT_LISTENING, /* nobody listens (Refused 2) */
  SCENARIO_N_ACCEPTS
} ScenarioAccept;

typedef struct {
  CaimanPreset preset;
  CaimanConfig config; /* fully resolved and valid; its reconnect-delay is [client]'s `reconnect` */
} ScenarioEndpoint;

/* ---- events --------------------------------------------------------------------------------- */

typedef enum {
  SCENARIO_VERB_DOWN,
  SCENARIO_VERB_UP,
  SCENARIO_VERB_BLACKHOLE,
  SCENARIO_VERB_PARTITION, /* blackhole of a set of links */
  SCENARIO_VERB_PAUSE,
  SCENARIO_VERB_RESUME, /* ends pause, blackhole and partition */
  SCENARIO_VERB_RESET,
  SCENARIO_VERB_CLOSE,
  SCENARIO_VERB_HALF_OPEN,
  SCENARIO_VERB_REBIND,
  SCENARIO_VERB_REFUSE,
  SCENARIO_VERB_ACCEPT, /* ends refuse */
  SCENARIO_VERB_CORRUPT,
  SCENARIO_VERB_SET,
  SCENARIO_VERB_FLAP,
  SCENARIO_VERB_ADD,
  SCENARIO_VERB_REMOVE,
  SCENARIO_VERB_BLOCK,
  SCENARIO_VERB_UNBLOCK,
  SCENARIO_VERB_DISCONNECT,
  SCENARIO_VERB_INJECT,
  SCENARIO_VERB_CRASH,
  SCENARIO_VERB_RESTART,
  SCENARIO_VERB_TERMINATE,
  SCENARIO_VERB_DROP_RECEIVER,
  SCENARIO_VERB_CLOSE_RECEIVER,
  SCENARIO_VERB_SLOW_READER,
  SCENARIO_N_VERBS
} ScenarioVerb;

typedef enum {
  SCENARIO_TARGET_LINKS,    /* @targets */
  SCENARIO_TARGET_ENDPOINT, /* @side */
  SCENARIO_TARGET_FLOW,     /* @flow */
} ScenarioTargetKind;

typedef enum {
  SCENARIO_INJECT_GARBAGE,                /* random bytes in the place of a frame */
  SCENARIO_INJECT_OVERSIZED_FRAME,        /* a frame header that announces too much */
  SCENARIO_INJECT_BAD_SEQUENCE,           /* a frame with a wrong frame sequence number */
  SCENARIO_INJECT_BAD_CHECKSUM,           /* a frame whose CRC is wrong */
  SCENARIO_INJECT_UNKNOWN_MESSAGE,        /* a message type outside the list */
  SCENARIO_INJECT_SHORT_MESSAGE,          /* a Consumed without its last byte */
  SCENARIO_INJECT_WELCOME_ON_ESTABLISHED, /* a Welcome on an established link */
  SCENARIO_INJECT_ACK_UNKNOWN,            /* an Ack for what was never sent: must be ignored */
  SCENARIO_INJECT_DUPLICATE_GOODBYE,      /* two Goodbyes */
  SCENARIO_INJECT_CONSUMED_TOO_MUCH,      /* Consumed for more than was sent */
  SCENARIO_INJECT_DATA_OVERFLOW,          /* more data than the receive buffer */
  SCENARIO_INJECT_SEQUENCE_TOO_FAR,       /* a sequence number beyond the limit */
  SCENARIO_N_INJECTS
} ScenarioInject;

typedef struct {
  guint link; /* index into the scenario's links */
  ScenarioDirections directions;
} ScenarioTarget;

/* Which parts of @path a `set` changes. */
typedef enum {
  SCENARIO_SET_RATE = 1 << 0,
  SCENARIO_SET_DELAY = 1 << 1,
  SCENARIO_SET_JITTER = 1 << 2,
  SCENARIO_SET_LOSS = 1 << 3,
  SCENARIO_SET_QUEUE = 1 << 4,
  SCENARIO_SET_MTU = 1 << 5
} ScenarioSetMask;

typedef enum {
  SCENARIO_TRIGGER_AT,        /* at t = @trigger_ns */
  SCENARIO_TRIGGER_AFTER,     /* @trigger_ns after event @trigger_event has begun (first time) */
  SCENARIO_TRIGGER_DELIVERED, /* when flow @trigger_flow has @threshold bytes delivered */
  SCENARIO_TRIGGER_MESSAGES,  /* ... @threshold messages (request flows: responses) delivered */
} ScenarioTrigger;

typedef struct {
  char *name;
  ScenarioTrigger trigger;
  gint64 trigger_ns;
  guint trigger_event;
  guint trigger_flow;
  gint64 threshold;

  ScenarioVerb verb;
  ScenarioTargetKind target_kind;
  GArray *targets;   /* ScenarioTarget, in the order written; empty unless TARGET_LINKS */
  ScenarioSide side; /* TARGET_ENDPOINT; also who acts in block, unblock and disconnect */
  guint flow;        /* TARGET_FLOW */

  gint64 for_ns;         /* then it is undone; CAIMAN_TIME_NEVER: it stays */
  gint64 repeat;         /* times in all, >= 1 */
  gint64 every_ns;       /* from start to start; 0 when repeat is 1 or @every_progress is set */
  gint64 every_progress; /* triggers DELIVERED and MESSAGES: the n-th time (from 0) is at
                            @threshold + n x this; 0: not used */

  gint64 corrupt_frames;  /* corrupt: the next n frames; 0: all during @for_ns */
  guint set_mask;         /* set: ScenarioSetMask bits; values in @set_path */
  ScenarioPath set_path;  /* set: for each target's directions */
  gint64 on_ns, off_ns;   /* flap: down for off, then up for on, ... until @for_ns, then up */
  ScenarioInject inject;  /* inject: sent as if by the sender of the target's one direction */
  gint64 reader_rate_bps; /* slow-reader */
  guint line;
} ScenarioEvent;

/* ---- expectations --------------------------------------------------------------------------- */

typedef enum {
  SCENARIO_EXPECT_INTEGRITY, /* exact: always checked by the oracle */
  SCENARIO_EXPECT_OUTCOME,   /* how the connection or a link ends */
  SCENARIO_EXPECT_METRIC,    /* a bound on a metric */
} ScenarioExpectKind;

typedef enum {
  SCENARIO_SUBJECT_CONNECTION,
  SCENARIO_SUBJECT_FLOW,
  SCENARIO_SUBJECT_LINK
} ScenarioSubject;

/* Whose view is meant. */
typedef enum {
  SCENARIO_VIEW_ANY, /* connection's outcome: both sides; link's: at least one; metrics: the
                        metric's own definition */
  SCENARIO_VIEW_CLIENT,
  SCENARIO_VIEW_SERVER
} ScenarioView;

typedef enum {
  SCENARIO_OP_EQ,
  SCENARIO_OP_LT,
  SCENARIO_OP_LE,
  SCENARIO_OP_GT,
  SCENARIO_OP_GE,
  SCENARIO_OP_RANGE /* @value to @value_max, both included */
} ScenarioOp;

/* The unit of a metric; values are integers: ns, bytes, bit/s, ppb, or plain numbers. */
typedef enum {
  METRIC_UNIT_TIME,
  METRIC_UNIT_BYTES,
  METRIC_UNIT_RATE,
  METRIC_UNIT_RATIO,
  METRIC_UNIT_COUNT
} MetricUnit;

typedef struct {
  ScenarioExpectKind kind;
  ScenarioSubject subject;
  guint index; /* of the flow or link */
  ScenarioView view;
  ScenarioDirections directions; /* of a link's metric; SCENARIO_BOTH when not told */

  /* outcome */
  CaimanReason reason; /* CAIMAN_REASON_NONE: "survives" */
  gint64 within_ns;    /* from the start of the last event that had begun by then (t = 0 when none
                          had); CAIMAN_TIME_NEVER: not bounded */

  /* metric */
  const char *metric; /* static name, in harness/metrics-registry.h */
  MetricUnit unit;
  ScenarioOp op;
  gint64 value, value_max;

  char *name; /* as in the file, resolved: "upload.efficiency", "client.connection" */
  char *text; /* the bound: ">= 95%" */
  guint line;
} ScenarioExpect;

/* ---- gate ----------------------------------------------------------------------------------- */

/* How much worse a metric may become from one version of the code to the next. */
typedef struct {
  char *name;             /* "upload.goodput", "wifi.up.share"; "goodput": of every subject */
  gboolean has_subject;   /* @name says whose */
  ScenarioExpect subject; /* subject, index, view, directions */
  const char *metric;     /* static name */
  MetricUnit unit;
  gboolean is_ignored;
  gint64 relative_ppb; /* of the old mean; 0: none */
  gint64 absolute;     /* in the metric's unit; 0: none; the larger of both is allowed */
  char *text;          /* "20% or 30ms" */
  guint line;
} ScenarioGate;

/* ---- sweep ---------------------------------------------------------------------------------- */

/* One swept parameter: "link lte" and "delay", with the texts of its values. */
typedef struct {
  char *group;
  char *key;
  GPtrArray *values; /* of char *; ranges are expanded */
  guint axis;        /* parameters of one axis move together, and have equally many values */
  guint line;
} ScenarioSweep;

/* ---- the whole ------------------------------------------------------------------------------ */

typedef struct {
  char *name; /* base name of the file without ".ini" */
  char *path; /* (nullable) as given */
  char *text; /* the file as it was read (without what it extends) */
  char *hash; /* BLAKE2b-256 of scenario_print() without [gate], 64 hex digits */

  char *title, *description; /* description may be "" */
  gint64 duration_ns;
  guint64 seed_first, seed_last; /* inclusive */
  gboolean ends_at_duration;
  gint64 heals_within_ns;
  gint64 sample_interval_ns;

  ScenarioEndpoint endpoint[SCENARIO_N_SIDES];
  ScenarioAccept accepts; /* the server's application */
  gint64 accept_after_ns; /* how long it takes to accept or refuse */

  GPtrArray *traces;      /* ScenarioTrace * */
  GPtrArray *bottlenecks; /* ScenarioBottleneck * */
  GPtrArray *cross;       /* ScenarioCross * */
  GPtrArray *links;       /* ScenarioLink * */
  GPtrArray *flows;       /* ScenarioFlow * */
  GPtrArray *events;      /* ScenarioEvent *, in file order */
  GPtrArray *expects;     /* ScenarioExpect *; integrity first, then the connection's outcome: one
                              for both sides (VIEW_ANY) or one for each, then the others */
  GPtrArray *sweeps;      /* ScenarioSweep *, in file order */

  gint64 gate_confidence_ppb; /* that no change is told where there is none */
  gint64 gate_default_ppb;    /* for metrics without a gate of their own; -1: they are only told */
  GPtrArray *gates;           /* ScenarioGate *, in file order */
  guint n_sweep_axes;
  GArray *sweep_points; /* (nullable) of guint32: the combinations that its conditions let through,
                           by their number among all, ascending; NULL: all */
} Scenario;

#define scenario_get_trace(s, i) ((ScenarioTrace *)g_ptr_array_index ((s)->traces, (i)))
#define scenario_get_bottleneck(s, i)                                                              \
  ((ScenarioBottleneck *)g_ptr_array_index ((s)->bottlenecks, (i)))
#define scenario_get_cross(s, i)  ((ScenarioCross *)g_ptr_array_index ((s)->cross, (i)))
#define scenario_get_link(s, i)   ((ScenarioLink *)g_ptr_array_index ((s)->links, (i)))
#define scenario_get_flow(s, i)   ((ScenarioFlow *)g_ptr_array_index ((s)->flows, (i)))
#define scenario_get_event(s, i)  ((ScenarioEvent *)g_ptr_array_index ((s)->events, (i)))
#define scenario_get_expect(s, i) ((ScenarioExpect *)g_ptr_array_index ((s)->expects, (i)))
#define scenario_get_gate(s, i)   ((ScenarioGate *)g_ptr_array_index ((s)->gates, (i)))
#define scenario_get_sweep(s, i)  ((ScenarioSweep *)g_ptr_array_index ((s)->sweeps, (i)))

/* Values that replace those of the file, before anything is resolved: a sweep's point or what a
 * command line sets. */
typedef struct _ScenarioOverrides ScenarioOverrides;

ScenarioOverrides *scenario_overrides_new (void);
void scenario_overrides_free (ScenarioOverrides *overrides);

/* @parameter: "link lte.delay", "scenario.duration", "client.policy", "traffic upload.bytes".
 * FALSE when it has not the form GROUP.KEY; whether it exists is told by scenario_load(). A later
 * one replaces an earlier one of the same parameter. */
gboolean scenario_overrides_set (ScenarioOverrides *overrides, const char *parameter,
                                 const char *value);

/* The scenario is to run there, and what its [testbed NAME] says holds; NULL, as at first: sim. */
void scenario_overrides_set_testbed (ScenarioOverrides *overrides, const char *testbed);

/* Adds a line to the [sweep], or replaces the one with the same key there: @key is a parameter,
 * "zip" or "where" (with a name). FALSE when one of both is empty. */
gboolean scenario_overrides_vary (ScenarioOverrides *overrides, const char *key, const char *value);

/* Leaves the [sweep] group out: what is loaded is one point. */
void scenario_overrides_set_without_sweep (ScenarioOverrides *overrides, gboolean without_sweep);

/* Reads, checks and resolves the file at @path. @overrides is nullable.
 *
 * Returns: (transfer full) (nullable) the scenario; NULL when there was any error, each then
 * appended to @errors_out (of char *, free function g_free) as "file:line: message", by line. */
Scenario *scenario_load (const char *path, const ScenarioOverrides *overrides,
                         GPtrArray *errors_out);

/* The same for a text in memory. @name is the scenario's name, and the file's in messages; in such
 * a text `extends` is an error. */
Scenario *scenario_parse (const char *name, const char *text, gsize size,
                          const ScenarioOverrides *overrides, GPtrArray *errors_out);

void scenario_free (Scenario *scenario);

/* (transfer full) the canonical text, see above. */
char *scenario_print (const Scenario *scenario);

/* Index of the item of this name, -1 when there is none. */
int scenario_find_trace (const Scenario *scenario, const char *name);
int scenario_find_bottleneck (const Scenario *scenario, const char *name);
int scenario_find_link (const Scenario *scenario, const char *name);
int scenario_find_flow (const Scenario *scenario, const char *name);
int scenario_find_event (const Scenario *scenario, const char *name);

/* Static names as they stand in files: "pipe", "client", "blackhole", "on-off", ... */
const char *scenario_carrier_to_string (ScenarioCarrier carrier);
const char *scenario_congestion_to_string (ScenarioCongestion congestion); /* as Linux names it */
const char *scenario_discipline_to_string (ScenarioDisciplineKind kind);
const char *scenario_side_to_string (ScenarioSide side);
const char *scenario_traffic_kind_to_string (ScenarioTrafficKind kind);
const char *scenario_verb_to_string (ScenarioVerb verb);
const char *scenario_inject_to_string (ScenarioInject inject);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scenario, scenario_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScenarioOverrides, scenario_overrides_free)

G_END_DECLS
