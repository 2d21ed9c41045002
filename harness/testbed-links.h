/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-links.h - which link of the scenario a path, a link or a transport is, on any testbed. */
#pragma once

#include "harness/testbed.h"

G_BEGIN_DECLS

/* Embedded by a testbed. */
typedef struct {
  Testbed *testbed;
  const Scenario *scenario;
  GArray *path_links;   /* of guint: scenario link of a connector's path id; [0] is unused */
  GArray *server_links; /* of guint: scenario link of a server's link id; [0] is unused */
} TestbedLinks;

/* Both are borrowed. */
void testbed_links_init (TestbedLinks *links, Testbed *testbed, const Scenario *scenario);
void testbed_links_clear (TestbedLinks *links);

/* A new pump of @side knows no links. */
void testbed_links_restart (TestbedLinks *links, ScenarioSide side);

/* TestbedClass.add_link and .remove_link. */
void testbed_links_add (TestbedLinks *links, guint link, gint64 start_ns);
void testbed_links_remove (TestbedLinks *links, guint link);

/* The scenario link of a path of the client's connector. */
guint testbed_links_get_path (const TestbedLinks *links, guint32 path_id);

/* Gives the server's end of a new connection over @link (transfer full) to its pump. */
void testbed_links_accept (TestbedLinks *links, guint link, CaimanTransport *end);

/* TestbedClass.find_link. */
int testbed_links_find (const TestbedLinks *links, ScenarioSide side, guint32 link_id);

/* Adds a text for each knob of the links of carrier = pipe that only packets know of. */
void testbed_refuse_packets (const Scenario *scenario, GPtrArray *refused);

G_END_DECLS
