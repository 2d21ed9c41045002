/* SPDX-License-Identifier: Apache-2.0 */
/* test-scenario-errors.c - each class of error with its exact words.
 *
 * A case is a whole scenario made of a good head (or none), a link, and the lines of the case; line
 * numbers count from the first line of the case, so that the head can change. */
#include "harness/scenario.h"

#include <string.h>

#define HEAD "[scenario]\nformat = 1\nduration = 30s\ncarrier = pipe\n"
#define LINK "[link wifi]\nrate = 10mbit\n[link lte]\nrate = 10mbit\n"
#define FLOW "[traffic up1]\nfrom = client\nkind = bulk\nbytes = 1MB\n"

typedef struct {
  const char *before; /* good lines above the case */
  const char *text;
  const char *errors; /* without "f:", lines counted from the case; joined by newlines */
} Case;

/* Messages with the file's name cut off and the lines counted from @first_line. */
static char *
load_errors (const char *text, guint first_line)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Scenario) scenario = scenario_parse ("f", text, strlen (text), NULL, messages);
  GString *all = g_string_new (NULL);

  g_assert_true ((scenario == NULL) == (messages->len > 0));
  for (guint i = 0; i < messages->len; i++) {
    const char *message = g_ptr_array_index (messages, i);
    char *rest;
    g_assert_true (g_str_has_prefix (message, "f:"));
    guint64 line = g_ascii_strtoull (message + 2, &rest, 10);
    g_string_append_printf (all, "%s%d%s", i > 0 ? "\n" : "", (int)line - (int)first_line + 1,
                            rest);
  }
  return g_string_free (all, FALSE);
}

static guint
count_lines (const char *text)
{
  guint n = 0;
  for (; *text; text++)
    n += *text == '\n';
  return n;
}

static void
check_cases (const Case *cases, gsize n_cases)
{
  for (gsize i = 0; i < n_cases; i++) {
    g_autofree char *text = g_strconcat (cases[i].before, cases[i].text, NULL);
    g_autofree char *errors = load_errors (text, count_lines (cases[i].before) + 1);
    g_assert_cmpstr (errors, ==, cases[i].errors);
  }
}

static void
test_groups (void)
{
  static const Case cases[] = {
    { "", "[lnk wifi]\n",
      "1: unknown group [lnk wifi]; did you mean [link wifi]?\n"
      "1: [scenario] lacks the key 'format'\n"
      "1: [scenario] lacks the key 'duration'\n"
      "1: there is no [link NAME] group" },
    { HEAD LINK, "[scenari]\n[link]\n[zzz]\n[even a b]\n",
      "1: unknown group [scenari]; did you mean [scenario]?\n"
      "2: unknown group [link]; did you mean [link NAME]?\n"
      "3: unknown group [zzz]\n"
      "4: unknown group [even a b]; did you mean [event a b]?" },
    { HEAD LINK, "[link a b]\n[link all]\n[event up]\n",
      "1: 'a b' is not a name (1 to 63 letters, digits, '-' and '_')\n"
      "2: the name 'all' is reserved\n"
      "2: [link all] lacks the key 'rate' (or 'up.rate', or a preset)\n"
      "2: [link all] lacks the key 'rate' (or 'down.rate', or a preset)\n"
      "3: the name 'up' is reserved\n"
      "3: [event up] needs one of 'at', 'when' and 'after'\n"
      "3: [event up] lacks the key 'do'" },
    { HEAD LINK, "[traffic wifi]\nfrom = client\nkind = bulk\nbytes = 1MB\n",
      "1: the name 'wifi' is that of a link, too" },
    { HEAD LINK, "[link wifi]\nrate = 1mbit\n", "1: group [link wifi] is already there in line 5" },
    { HEAD LINK FLOW, "[traffic up1]\nfrom = client\nkind = bulk\nclose = never\n",
      "1: group [traffic up1] is already there in line 9" },
    { HEAD LINK,
      "[event a]\nat = 1s\ndo = down wifi\n[event b]\nat = 2s\ndo = up wifi\n"
      "[event a]\nafter = b\n",
      "7: group [event a] is already there in line 9" },
  };
  check_cases (cases, G_N_ELEMENTS (cases));
}

static void
test_scenario (void)
{
  static const Case cases[] = {
    { LINK,
      "[scenario]\nformat = 2\nduration = 5\ncarrier = udp\nseed = 5..3\nends = at\n"
      "heals-within = never\nsample-interval = 0s\ntitel = x\n",
      "2: format: this caiman reads format 1, not '2'\n"
      "3: duration: '5' needs a unit: ns, us, ms, s, min or h\n"
      "4: carrier: unknown value 'udp'; known: pipe, tcp\n"
      "5: seed: '5..3' ends before it begins\n"
      "6: ends: unknown value 'at'; known: when-complete, at-duration\n"
      "7: heals-within: 'never' is not a number with a unit (ns, us, ms, s, min or h)\n"
      "8: sample-interval: '0s' is out of range (1ms to 10000h)\n"
      "9: unknown key 'titel' in [scenario]; did you mean 'title'?" },
    { LINK, "[scenario]\nformat = 1\nduration = 1s\ncarrier = pipe\nseed = 1..x\n",
      "5: seed: 'x' is not a whole number" },
    { LINK, "[scenario]\nformat = 1\nduration = 1s\ncarrier = pipe\nseed = 1..9999999999\n",
      "5: seed: '1..9999999999' are too many seeds" },
    { LINK, "[scenario]\nformat = 1\nduration = 1s\ncarrier = pipe\nextends = a.ini\n",
      "5: extends: a text in memory extends nothing" },
    { "",
      "[scenario]\nformat = 1\nduration = 1s\n[link wifi]\nrate = 1mbit\n"
      "[link lte]\nrate = 1mbit\ncarrier = tcp\n",
      "4: [link wifi] has no carrier: say 'carrier = pipe' or 'carrier = tcp' here or in "
      "[scenario]" },
    { "",
      "[scenario]\nformat = 1\nduration = 1s\ncarrier = pipe\ncongestion-control = bbr\n"
      "[link wifi]\nrate = 1mbit\ncongestion-control = reno\nsend-buffer = auto\n"
      "initial-window = 4\nuser-timeout = 1s\npacing = off\n",
      "5: congestion-control: no link has carrier = tcp\n"
      "8: congestion-control: only a link with carrier = tcp has it\n"
      "9: send-buffer: only a link with carrier = tcp has it\n"
      "10: initial-window: only a link with carrier = tcp has it\n"
      "11: user-timeout: only a link with carrier = tcp has it\n"
      "12: pacing: only a link with carrier = tcp has it" },
    { "",
      "[scenario]\nformat = 1\nduration = 1s\ncarrier = tcp\ncongestion-control = vegas\n"
      "[link wifi]\nrate = 1mbit\nreceive-buffer = 1\ninitial-window = 0\n"
      "[link lte]\nrate = 1mbit\ncongestion-control = bbr\nuser-timeout = 0s\npacing = on\n",
      "5: congestion-control: unknown value 'vegas'; known: reno, cubic, bbr\n"
      "8: receive-buffer: '1' needs a unit: B, kB, MB, GB, KiB, MiB or GiB\n"
      "9: initial-window: '0' is out of range (1 to 1000)\n"
      "13: user-timeout: '0s' is out of range (1ms to 10000h)\n"
      "14: pacing: unknown value 'on'; known: off, auto" },
    { LINK, "[scenario]\nformat = 1\nduration = 1s\ncarier = pipe\n",
      "4: unknown key 'carier' in [scenario]; did you mean 'carrier'?" },
    { "", "[scenario]\nformat = 1\nduration = 1s\n[link wifi]\nrate = 1mbit\ncarrrier = pipe\n",
      "6: unknown key 'carrrier' in [link wifi]; did you mean 'carrier'?" },
  };
  check_cases (cases, G_N_ELEMENTS (cases));
}

static void
test_config (void)
{
  static const Case cases[] = {
    { HEAD LINK,
      "[config]\nsend-bufer = 1MB\nreceive-buffer = 1\nping-mode = sometimes\n"
      "consumed-when-empty = true\nno-link-timeout = never\n",
      "2: unknown key 'send-bufer' in [config]; did you mean 'send-buffer'?\n"
      "3: receive-buffer: '1' needs a unit: B, kB, MB, GB, KiB, MiB or GiB\n"
      "4: ping-mode: unknown value 'sometimes'; known: periodic, when-idle, after-timeout\n"
      "5: consumed-when-empty: unknown value 'true'; known: no, yes\n"
      "6: no-link-timeout: 'never' is not a number with a unit (ns, us, ms, s, min or h)" },
    { HEAD LINK,
      "[client]\npreset = agligator-0.9\npolicy = minrtt\naccepts = yes\n"
      "[server]\naccepts = no\nreference-generation = 8\n",
      "2: preset: unknown preset 'agligator-0.9'; did you mean 'aggligator-0.9'?\n"
      "3: policy: unknown value 'minrtt'; did you mean 'min-rtt'?\n"
      "4: unknown key 'accepts' in [client]\n"
      "6: accepts: unknown value 'no'; known: yes, refuse, not-listening\n"
      "7: reference-generation: '8' is out of range (9 to 10)" },
    { HEAD LINK, "[client]\nreconnect = never\nreconnect-delay = 5s\n",
      "2: reconnect: is the same as 'reconnect-delay', which is given, too" },
    { HEAD LINK, "[server]\naccepts = not-listening\naccept-after = 5s\n",
      "3: accept-after: nobody listens who could accept" },
  };
  check_cases (cases, G_N_ELEMENTS (cases));
}

/* What the core's own validation objects to is told at the group. */
static void
test_config_contradiction (void)
{
  g_autofree char *errors =
      load_errors (HEAD LINK "[client]\nack-timeout-min = 10s\nack-timeout-max = 5s\n", 9);
  g_assert_true (g_str_has_prefix (errors, "1: [client] the client's settings contradict: "));
  g_assert_null (strchr (errors, '\n'));
}

static void
test_link (void)
{
  static const Case cases[] = {
    { HEAD,
      "[link a]\nrate = 10\ndelay = 5\njitter = normal\nloss = 101%\nqueue = 50\n"
      "dely = 5ms\nlos = 1%\n",
      "2: rate: '10' needs a unit: bit, kbit, mbit, gbit, or B/s, kB/s, MB/s, GB/s\n"
      "3: delay: '5' needs a unit: ns, us, ms, s, min or h\n"
      "4: jitter: 'normal' is not none, uniform(T[, P]), normal(T[, P]) or pareto(T[, P])\n"
      "5: loss: '101%' is out of range (0% to 100%)\n"
      "6: queue: '50' is not a time (100ms), a size (64KiB) or a number of packets (50 packets)\n"
      "7: unknown key 'dely' in [link a]; did you mean 'delay'?\n"
      "8: unknown key 'los' in [link a]; did you mean 'loss'?" },
    { HEAD,
      "[link a]\nrate = 0bit\ndelay = 2h\njitter = poisson(1ms)\nloss = gilbert(1%)\n"
      "queue = 0ms\n",
      "2: rate: '0bit' is out of range (1bit to 1000gbit)\n"
      "3: delay: '2h' is out of range (0s to 1h)\n"
      "4: jitter: 'poisson(1ms)' is not none, uniform(T[, P]), normal(T[, P]) or pareto(T[, P])\n"
      "5: loss: gilbert takes 2 to 4 probabilities: gilbert(p, r[, 1-h[, 1-k]])\n"
      "6: queue: '0ms' is out of range" },
    { HEAD,
      "[link a]\nup.rate = 1mbit\nup.loss = mask(012)\ndown.loss = every(0)\n"
      "up.jitter = normal(x)\nqueue = 0 packets\n",
      "1: [link a] lacks the key 'rate' (or 'down.rate', or a preset)\n"
      "3: up.loss: mask takes 1 to 64 digits 0 (passes) or 1 (lost): mask(0001)\n"
      "4: down.loss: '0' is out of range (1 to 1000000000)\n"
      "5: up.jitter: 'x' is not a number with a unit (ns, us, ms, s, min or h)\n"
      "6: queue: '0' is out of range (1 to 1000000000)" },
    { HEAD, "[link a]\nrate = 1mbit\nloss = 1% (x\nup.loss = lots\ndown.loss = gilbert(1%, 200%)\n",
      "4: up.loss: 'lots' is not none, P%, gilbert(P, R[, 1-H[, 1-K]]), four-state(P13, P31, P32, "
      "P23, P14), every(N) or mask(0001)\n"
      "5: down.loss: '200%' is out of range (0% to 100%)" },
    { HEAD, "[link a]\nrate = 1mbit\nloss = 1% (x\n",
      "3: loss: '1% (x' has parentheses that do not match" },
    { HEAD, "[link a]\npreset = let\n", "2: preset: unknown preset 'let'; did you mean 'lte'?" },
    { HEAD,
      "[link a]\nrate = 1mbit\nquota-period = 1h\nweight = 0\nreceive-buffer = 1B\n"
      "refused-by = both\nquota = 0B\nstarts = soon\nconnect-timeout = never\n",
      "4: weight: '0' is out of range (1 to 1000000)\n"
      "5: receive-buffer: '1B' is out of range (1KiB to 4294967295B)\n"
      "6: refused-by: unknown value 'both'; known: client, server, none\n"
      "7: quota: '0B' is out of range (1B to 1000000GB)\n"
      "8: starts: 'soon' is not a number with a unit (ns, us, ms, s, min or h)\n"
      "9: connect-timeout: 'never' is not a number with a unit (ns, us, ms, s, min or h)" },
    { HEAD, "[link a]\nrate = 1mbit\nquota-period = 1h\n", "3: quota-period: there is no quota" },
  };
  check_cases (cases, G_N_ELEMENTS (cases));
}

static void
test_traffic (void)
{
  static const Case cases[] = {
    { HEAD LINK, "[traffic a]\n",
      "1: [traffic a] lacks the key 'kind'\n"
      "1: [traffic a] lacks the key 'from'" },
    { HEAD LINK, "[traffic a]\nform = client\nbyte = 1MB\n",
      "1: [traffic a] lacks the key 'kind'\n"
      "1: [traffic a] lacks the key 'from'\n"
      "2: unknown key 'form' in [traffic a]; did you mean 'from'?\n"
      "3: unknown key 'byte' in [traffic a]; did you mean 'bytes'?" },
    { HEAD LINK,
      "[traffic a]\nfrom = clinet\nkind = bulk\nbytes = 0B\ncount = 5\n"
      "message-size = 1kB\n",
      "2: from: unknown value 'clinet'; did you mean 'client'?\n"
      "4: bytes: '0B' is out of range (1B to 1000000GB)\n"
      "5: count: is not for traffic of kind bulk\n"
      "6: message-size: bulk traffic has messages only with mode = messages" },
    { HEAD LINK, "[traffic a]\nfrom = client\nkind = bulk\n",
      "1: [traffic a] has no end: give 'bytes' or 'stops', or 'ends = at-duration' in [scenario]" },
    { HEAD LINK, "[traffic a]\nfrom = client\nkind = messages\nmode = stream\n",
      "1: [traffic a] has no end: give 'count' or 'stops', or 'ends = at-duration' in [scenario]\n"
      "4: mode: a stream has no messages" },
    { HEAD LINK, "[traffic a]\nfrom = client\nkind = rate\nbytes = 1MB\n",
      "1: [traffic a] lacks the key 'rate'" },
    { HEAD LINK, "[traffic a]\nfrom = client\nkind = rate\nrate = unlimited\nbytes = 1MB\n",
      "4: rate: traffic without a limit is kind = bulk" },
    { HEAD LINK, "[traffic a]\nfrom = client\nkind = on-off\nrate = 1mbit\non = 0s\nbytes = 1MB\n",
      "1: [traffic a] lacks the key 'off'\n"
      "5: on: '0s' is out of range (1us to 10000h)" },
    { HEAD LINK, "[traffic a]\nfrom = both\nkind = request\ncount = 5\n",
      "2: from: requests come from one side, their responses from the other" },
    { HEAD LINK, "[traffic a]\nfrom = client\nkind = bulk\nstarts = 5s\nstops = 5s\nclose = late\n",
      "5: stops: it stops before it starts\n"
      "6: close: 'late' is not normal, late T or never" },
    { HEAD LINK, "[traffic a]\nfrom = client\nkind = bulk\nbytes = 1MB\nclose = late 5\n",
      "5: close: '5' needs a unit: ns, us, ms, s, min or h" },
    { HEAD LINK, "[traffic a]\nfrom = client\nkind = bulk\nbytes = 1MB\nclose = never\n",
      "5: close: without a close the run cannot complete: give 'ends = at-duration' in "
      "[scenario], or expect the connection to fail" },
    { HEAD LINK,
      "[traffic a]\nfrom = client\nkind = messages\ncount = 1\nmessage-size = pareto(1kB)\n",
      "5: message-size: 'pareto(1kB)' is not a size, uniform(A, B), exponential(MEAN, MAX), "
      "pareto(MIN, MAX) or list(A, B, ...)" },
    { HEAD LINK,
      "[traffic a]\nfrom = client\nkind = messages\ncount = 1\n"
      "message-size = uniform(2kB, 1kB)\n",
      "5: message-size: 'uniform(2kB, 1kB)' has its larger size first" },
    { HEAD LINK,
      "[traffic a]\nfrom = client\nkind = messages\ncount = 1\n"
      "message-size = list(1kB, 9MiB)\n",
      "5: message-size: '9MiB' is out of range (1B to 8MiB)" },
    { HEAD LINK "[server]\nreceive-buffer = 20KiB\n",
      "[traffic a]\nfrom = client\nkind = messages\ncount = 1\n",
      "1: [traffic a] message-size: a message may have 10239B at most (half of the server's "
      "receive-buffer)" },
    { HEAD LINK "[client]\nreceive-buffer = 20KiB\n",
      "[traffic a]\nfrom = client\nkind = request\ncount = 1\nresponse-size = 10240B\n",
      "5: response-size: a message may have 10239B at most (half of the client's "
      "receive-buffer)" },
    { HEAD LINK FLOW, "[traffic b]\nfrom = both\nkind = rate\nrate = 1mbit\nbytes = 1MB\n",
      "1: [traffic b] and [traffic up1] share a direction, where a connection has one byte "
      "stream: both need 'mode = messages'" },
    { HEAD LINK FLOW, "[traffic b]\nfrom = server\nkind = request\ncount = 1\n",
      "1: [traffic b] and [traffic up1] share a direction, where a connection has one byte "
      "stream: both need 'mode = messages'" },
  };
  check_cases (cases, G_N_ELEMENTS (cases));
}

static void
test_triggers (void)
{
  static const Case cases[] = {
    { HEAD LINK, "[event a]\ndo = down wifi\nat = 1s\nafter = b\n",
      "1: [event a] needs one of 'at', 'when' and 'after'" },
    { HEAD LINK, "[event a]\nat = 30s\ndo = down wifi\n", "2: at: the run lasts 30s at most" },
    { HEAD LINK, "[event a]\nat = 4\ndo = down wifi\n",
      "2: at: '4' needs a unit: ns, us, ms, s, min or h" },
    { HEAD LINK,
      "[event first]\nat = 1s\ndo = down wifi\n[event b]\nafter = frist + 1s\n"
      "do = up wifi\n",
      "5: after: unknown event 'frist'; did you mean 'first'?" },
    { HEAD LINK, "[event a]\nafter = b\ndo = down wifi\n[event b]\nafter = a + 5\ndo = up wifi\n",
      "2: after: the events wait for each other in a circle\n"
      "5: after: '5' needs a unit: ns, us, ms, s, min or h\n"
      "5: after: the events wait for each other in a circle" },
    { HEAD LINK, "[event a]\nwhen = upload.delivered >= 1MB\ndo = down wifi\n",
      "2: when: unknown flow 'upload': there is no [traffic NAME]" },
    { HEAD LINK FLOW, "[event a]\nwhen = up2.delivered >= 1MB\ndo = down wifi\n",
      "2: when: unknown flow 'up2'; did you mean 'up1'?" },
    { HEAD LINK FLOW, "[event a]\nwhen = up1.delivered > 1MB\ndo = down wifi\n",
      "2: when: 'up1.delivered > 1MB' is not 'FLOW.delivered >= BYTES' or 'FLOW.messages >= N'" },
    { HEAD LINK FLOW, "[event a]\nwhen = up1.sent >= 1MB\ndo = down wifi\n",
      "2: when: 'up1.sent >= 1MB' is not 'FLOW.delivered >= BYTES' or 'FLOW.messages >= N'" },
    { HEAD LINK FLOW, "[event a]\nwhen = up1.delivered >= 5\ndo = down wifi\n",
      "2: when: '5' needs a unit: B, kB, MB, GB, KiB, MiB or GiB" },
    { HEAD LINK FLOW, "[event a]\nwhen = up1.delivered >= 2MB\ndo = down wifi\n",
      "2: when: 'up1' has only 1MB in all" },
    { HEAD LINK FLOW, "[event a]\nwhen = up1.messages >= 2\ndo = down wifi\n",
      "2: when: 'up1' is a byte stream without messages: use 'up1.delivered'" },
    { HEAD LINK "[traffic m]\nfrom = both\nkind = messages\ncount = 9\n",
      "[event a]\nwhen = m.messages >= 2\ndo = down wifi\n"
      "[event b]\nwhen = m.up.messages >= 10\ndo = down lte\n",
      "2: when: 'm' flows both ways: say 'm.up' or 'm.down'\n"
      "5: when: 'm.up' has only 9 messages in all" },
    { HEAD LINK, "[event a]\nat = 1s\nfor = 5s\n",
      "1: [event a] lacks the key 'do'\n"
      "3: unknown key 'for' in [event a]" },
  };
  check_cases (cases, G_N_ELEMENTS (cases));
}

#define M "[traffic m]\nfrom = both\nkind = messages\ncount = 900\n"

/* The words after "do =" and the message. */
static const struct {
  const char *action, *error;
} actions[] = {
  { "blakchole wifi", "unknown verb 'blakchole'; did you mean 'blackhole'?" },
  { "blackhole", "usage: blackhole LINKS[.up|.down] [for T]" },
  { "blackhole wify for 5s", "unknown link 'wify'; did you mean 'wifi'?" },
  { "blackhole wifi,", "unknown link ''; known: wifi, lte" },
  { "blackhole wifi,wifi.up", "link 'wifi' is named twice" },
  { "blackhole all,lte", "link 'lte' is named twice" },
  { "blackhole wifi for", "'for' needs a value" },
  { "blackhole wifi for 5", "'5' needs a unit: ns, us, ms, s, min or h" },
  { "blackhole wifi for 0s", "'0s' is out of range (1ns to 10000h)" },
  { "blackhole wifi for 5s for 6s", "'for' is given twice" },
  { "blackhole wifi during 5s",
    "'during' is not understood: blackhole LINKS[.up|.down] [for T] [repeat N every T]" },
  { "blackhole wifi lte", "'lte' is not understood: blackhole LINKS[.up|.down] [for T] "
                          "[repeat N every T]" },
  { "down wifi.up", "'down' has no direction: down LINKS [for T]" },
  { "reset wifi for 5s", "'reset' takes no 'for': reset LINKS" },
  { "down wifi by client", "'down' takes no 'by': down LINKS [for T]" },
  { "block wifi by peer", "unknown side 'peer'; known: client, server" },
  { "block wifi by client by server", "'by' is given twice" },
  { "crash", "usage: crash client|server [for T]" },
  { "crash sever", "unknown side 'sever'; did you mean 'server'?" },
  { "slow-reader m.up", "usage: slow-reader FLOW RATE [for T]" },
  { "slow-reader m 1mbit", "'m' flows both ways: say 'm.up' or 'm.down'" },
  { "slow-reader n.up 1mbit", "unknown flow 'n.up'; did you mean 'm.up'?" },
  { "slow-reader m.up fast",
    "'fast' is not a number with a unit (bit, kbit, mbit, gbit, or B/s, kB/s, MB/s, GB/s)" },
  { "set wifi", "usage: set LINKS[.up|.down] KEY=VALUE ... [for T]" },
  { "set wifi rat=5mbit", "unknown key 'rat'; did you mean 'rate'?" },
  { "set wifi rate=5", "'5' needs a unit: bit, kbit, mbit, gbit, or B/s, kB/s, MB/s, GB/s" },
  { "set wifi rate=5mbit rate=6mbit", "'rate' is set twice" },
  { "set wifi loss=gilbert(1%, 2%", "parentheses do not match" },
  { "set wifi queue=5", "'5' is not a time (100ms), a size (64KiB) or a number of packets "
                        "(50 packets)" },
  { "set wifi queue=", "'queue' has no value" },
  { "flap wifi on 1s", "usage: flap LINKS on T off T [for T]" },
  { "flap wifi on 1s off 1s on 2s", "'on' or 'off' is given twice" },
  { "down wifi on 1s", "only flap has 'on' and 'off': down LINKS [for T]" },
  { "corrupt wifi 0", "'0' is out of range (1 to 1000000)" },
  { "corrupt wifi 5 for 2s", "corrupt takes a number of frames or 'for T', not both" },
  { "inject", "usage: inject KIND LINKS[.up|.down]" },
  { "inject garbage", "usage: inject KIND LINKS[.up|.down]" },
  { "inject grabage wifi", "unknown kind 'grabage'; did you mean 'garbage'?" },
  { "reset wifi repeat 3", "'repeat N' needs 'every T'" },
  { "reset wifi repeat 3 every", "'repeat N' needs 'every T'" },
  { "reset wifi repeat 0 every 1s", "'0' is out of range (1 to 1000000)" },
  { "reset wifi repeat 3 every 100", "'100' needs a unit: ns, us, ms, s, min or h" },
  { "reset wifi repeat 3 every 1s repeat 4 every 1s", "'repeat' is given twice" },
  { "down wifi for 5s repeat 3 every 5s", "'for' must be shorter than 'every'" },
  { "add wifi", "link 'wifi' is there already (give it 'starts = never', or remove it first)" },
  { "up wifi", "no event does down or flap to link 'wifi'" },
  { "resume lte", "no event does pause, blackhole or partition to link 'lte'" },
  { "accept lte", "no event does refuse to link 'lte'" },
  { "unblock lte", "no event does block to link 'lte'" },
};

static void
test_actions (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++) {
    g_autofree char *text =
        g_strdup_printf (HEAD LINK M "[event e]\nat = 1s\ndo = %s\n", actions[i].action);
    g_autofree char *errors = load_errors (text, count_lines (HEAD LINK M) + 1);
    g_autofree char *expected = g_strdup_printf ("3: do: %s", actions[i].error);
    g_assert_cmpstr (errors, ==, expected);
  }
}

static void
test_action_combinations (void)
{
  static const Case cases[] = {
    { HEAD LINK M,
      "[event e]\nwhen = m.up.messages >= 100\ndo = pause wifi for 3s repeat 10 "
      "every 100\n",
      "3: do: 'm.up' does not get so far" },
    { HEAD LINK, "[link late]\nrate = 1mbit\nstarts = never\n[event e]\nat = 1s\ndo = down late\n",
      "6: do: link 'late' never is there ('starts = never', and no event adds it)" },
    /* One action that is not understood does not make others look wrong. */
    { HEAD LINK, "[event e]\nat = 1s\ndo = dwon wifi\n[event f]\nat = 2s\ndo = up wifi\n",
      "3: do: unknown verb 'dwon'; did you mean 'down'?" },
    /* A trigger without its flow does not upset the rest of the line. */
    { HEAD LINK, "[event e]\nwhen = x.messages >= 5\ndo = reset wifi repeat 3 every 5\n",
      "2: when: unknown flow 'x': there is no [traffic NAME]" },
  };
  check_cases (cases, G_N_ELEMENTS (cases));
}

/* The line in [expect] and the message. */
static const struct {
  const char *line, *error;
} expectations[] = {
  { "integrity = loose", "integrity: can only be 'exact', not 'loose'" },
  { "connection = surives", "connection: unknown outcome 'surives'; did you mean 'survives'?" },
  { "connection = survives within 5s", "connection: nothing can follow 'survives', not 'within'" },
  { "connection = fails with",
    "connection: 'fails with' needs a reason, as in 'fails with all-links-failed'" },
  { "connection = fails with all-link-failed",
    "connection: unknown outcome 'all-link-failed'; did you mean 'all-links-failed'?" },
  { "connection = terminated after 5s", "connection: only 'within T' can follow 'terminated'" },
  { "connection = terminated within 5", "connection: '5' needs a unit: ns, us, ms, s, min or h" },
  { "client.connection = link-reset",
    "client.connection: unknown outcome 'link-reset'; known: survives, terminated, "
    "all-links-failed, server-id-mismatch, closed, not-listening, refused, protocol-error, "
    "termination-timeout" },
  { "wifi = ends with terminated (", "wifi: parentheses do not match" },
  { "wifi = link-rest", "wifi: unknown outcome 'link-rest'; did you mean 'link-reset'?" },
  { "wifi.up = survives", "wifi.up: a link ends in both directions" },
  { "up1 = survives", "up1: say which metric of 'up1'" },
  { "goodput = >= 1mbit", "goodput: say whose: 'FLOW.goodput'" },
  { "up2.goodput = >= 1mbit", "up2.goodput: unknown subject 'up2'; did you mean 'up1'?" },
  { "up1.godput = >= 1mbit",
    "up1.godput: unknown metric 'godput' of a flow; did you mean 'goodput'?" },
  { "up1.utilisation = >= 1%",
    "up1.utilisation: 'utilisation' is a metric of a link, not of a flow" },
  { "up1.zzzzz = 1", "up1.zzzzz: unknown metric 'zzzzz' of a flow" },
  { "up1.goodput.max = 1mbit", "up1.goodput.max: 'max' can not follow 'goodput'" },
  { "client.up1.goodput = 1mbit", "client.up1.goodput: 'goodput' is not told per side" },
  { "wifi.up.ends = 0", "wifi.up.ends: 'ends' is not told per direction" },
  { "up1.goodput = >= 10", "up1.goodput: '10' needs a unit: bit, kbit, mbit, gbit, or B/s, kB/s, "
                           "MB/s, GB/s" },
  { "up1.efficiency = >= 0.95", "up1.efficiency: '0.95' needs a unit: %" },
  { "up1.longest-gap = <= 150", "up1.longest-gap: '150' needs a unit: ns, us, ms, s, min or h" },
  { "up1.efficiency = 90%..80%", "up1.efficiency: '90%..80%' ends before it begins" },
  { "up1.efficiency = 90%..", "up1.efficiency: '' is not a number with a unit (%)" },
  { "up1.delivered-bytes = 10 apples",
    "up1.delivered-bytes: unknown unit ' apples' in '10 apples': it must be B, kB, MB, GB, KiB, "
    "MiB or GiB" },
  { "connection.reconnects = 1.5", "connection.reconnects: '1.5' is not a whole number" },
};

static void
test_expectations (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (expectations); i++) {
    g_autofree char *text = g_strdup_printf (HEAD LINK FLOW "[expect]\n%s\n", expectations[i].line);
    g_autofree char *errors = load_errors (text, count_lines (HEAD LINK FLOW) + 1);
    g_autofree char *expected = g_strdup_printf ("2: %s", expectations[i].error);
    g_assert_cmpstr (errors, ==, expected);
  }
}

static void
test_sweep (void)
{
  static const Case cases[] = {
    { HEAD LINK,
      "[sweep]\ndelay = 1ms, 2ms\nsweep.x = 1\nscenario.seed = 1, 2\n"
      "scenario.format = 1, 2\n",
      "2: delay: a parameter is written GROUP.KEY, as in 'link lte.delay'\n"
      "3: sweep.x: a sweep cannot sweep itself\n"
      "4: scenario.seed: seeds are not swept but given as a range: 'seed = 1..200'\n"
      "5: scenario.format: it cannot be swept" },
    { HEAD LINK,
      "[sweep]\nlink lte.delay = 1ms,, 2ms\nlink lte.rate = 1mbit, 1mbit\n"
      "link lte.loss = gilbert(1%, 2%\n",
      "2: link lte.delay: there is an empty value in the list\n"
      "3: link lte.rate: the value '1mbit' is there twice\n"
      "4: link lte.loss: parentheses do not match" },
    { HEAD LINK, "[sweep]\nlink let.delay = 1ms\nlink lte.dely = 1ms\nlink lte.rate = 1mbit, 5\n",
      "2: link let.delay: there is no group [link let]; did you mean [link lte]?\n"
      "3: unknown key 'dely' in [link lte]; did you mean 'delay'?\n"
      "4: rate: '5' needs a unit: bit, kbit, mbit, gbit, or B/s, kB/s, MB/s, GB/s" },
    /* A value that is good by itself but makes another line impossible. */
    { HEAD LINK "[event e]\nat = 20s\ndo = down wifi\n", "[sweep]\nscenario.duration = 10s, 40s\n",
      "2: with scenario.duration = 10s: line 10: at: the run lasts 10s at most" },
  };
  check_cases (cases, G_N_ELEMENTS (cases));
}

static void
test_too_many (void)
{
  GString *text = g_string_new (HEAD);

  for (guint i = 0; i < SCENARIO_ITEMS_MAX + 1; i++)
    g_string_append_printf (text, "[link l%u]\nrate = 1mbit\n", i);
  g_autofree char *errors = load_errors (text->str, 1);
  g_assert_cmpstr (errors, ==, "517: more than 256 groups [link NAME]");

  g_string_assign (text, HEAD LINK "[sweep]\n");
  for (guint p = 0; p < 3; p++) {
    static const char *const keys[] = { "link wifi.delay", "link lte.delay", "link lte.up.delay" };
    g_string_append_printf (text, "%s = 0ms", keys[p]);
    for (guint i = 1; i < 101; i++)
      g_string_append_printf (text, ", %ums", i);
    g_string_append_c (text, '\n');
  }
  g_autofree char *points = load_errors (text->str, 10);
  g_assert_cmpstr (points, ==, "3: link lte.up.delay: the sweep has more than 1000000 points");
  g_string_free (text, TRUE);
}

static void
test_missing_file (void)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);

  g_assert_null (scenario_load ("/nonexistent/a.ini", NULL, messages));
  g_assert_cmpuint (messages->len, ==, 1);
  g_assert_cmpstr (messages->pdata[0], ==, "/nonexistent/a.ini: cannot be read: no such file");
  g_assert_null (scenario_load ("/dev/null", NULL, messages));
  g_assert_cmpstr (messages->pdata[1], ==, "/dev/null: cannot be read: not a regular file");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Tables: tell all rows that fail, not the first alone. */
  g_test_set_nonfatal_assertions ();
  g_test_add_func ("/harness/scenario/errors/groups", test_groups);
  g_test_add_func ("/harness/scenario/errors/scenario", test_scenario);
  g_test_add_func ("/harness/scenario/errors/config", test_config);
  g_test_add_func ("/harness/scenario/errors/config-contradiction", test_config_contradiction);
  g_test_add_func ("/harness/scenario/errors/link", test_link);
  g_test_add_func ("/harness/scenario/errors/traffic", test_traffic);
  g_test_add_func ("/harness/scenario/errors/triggers", test_triggers);
  g_test_add_func ("/harness/scenario/errors/actions", test_actions);
  g_test_add_func ("/harness/scenario/errors/action-combinations", test_action_combinations);
  g_test_add_func ("/harness/scenario/errors/expectations", test_expectations);
  g_test_add_func ("/harness/scenario/errors/sweep", test_sweep);
  g_test_add_func ("/harness/scenario/errors/too-many", test_too_many);
  g_test_add_func ("/harness/scenario/errors/missing-file", test_missing_file);
  return g_test_run ();
}
