/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-links.c - see testbed-links.h. */
#include "harness/testbed-links.h"

#include <string.h>

static void
forget (GArray *array)
{
  const guint unused = 0;

  g_array_set_size (array, 0);
  g_array_append_val (array, unused);
}

void
testbed_links_init (TestbedLinks *links, Testbed *testbed, const Scenario *scenario)
{
  links->testbed = testbed;
  links->scenario = scenario;
  links->path_links = g_array_new (FALSE, FALSE, sizeof (guint));
  links->server_links = g_array_new (FALSE, FALSE, sizeof (guint));
  forget (links->path_links);
  forget (links->server_links);
}

void
testbed_links_clear (TestbedLinks *links)
{
  g_array_unref (links->path_links);
  g_array_unref (links->server_links);
}

void
testbed_links_restart (TestbedLinks *links, ScenarioSide side)
{
  forget (side == SCENARIO_SIDE_SERVER ? links->server_links : links->path_links);
}

/* What a side knows of a link; the name is also what the handshake tells. The user data is the
 * caller's. */
static CaimanLinkInfo
make_info (const ScenarioLink *link, ScenarioSide side)
{
  const ScenarioLinkTerms *terms = &link->terms[side];

  return (CaimanLinkInfo) { .name = link->name,
                            .user_data = g_bytes_new_static (link->name, strlen (link->name)),
                            .weight = terms->weight,
                            .cost = terms->cost,
                            .quota_bytes = terms->quota_bytes,
                            .quota_period_ns = terms->quota_period_ns };
}

void
testbed_links_add (TestbedLinks *links, guint link, gint64 start_ns)
{
  CaimanPump *pump = links->testbed->pump[SCENARIO_SIDE_CLIENT];
  CaimanConnector *connector = caiman_pump_get_connector (pump);
  const ScenarioLink *spec = scenario_get_link (links->scenario, link);
  CaimanLinkInfo info = make_info (spec, SCENARIO_SIDE_CLIENT);
  guint32 id = caiman_connector_add_path (connector, &info, start_ns, testbed_now (links->testbed));

  caiman_connector_set_reconnect_delay (connector, id, spec->reconnect_delay_ns);

  g_assert (id == links->path_links->len);
  g_array_append_val (links->path_links, link);
  g_bytes_unref (info.user_data);
  caiman_pump_touch (pump);
}

/* The latest path over @link. */
static guint32
find_path_id (const TestbedLinks *links, guint link)
{
  guint32 id = links->path_links->len - 1;

  while (id > 0 && g_array_index (links->path_links, guint, id) != link)
    id--;
  return id;
}

void
testbed_links_remove (TestbedLinks *links, guint link)
{
  CaimanPump *pump = links->testbed->pump[SCENARIO_SIDE_CLIENT];
  guint32 id = find_path_id (links, link);

  g_assert (id > 0);
  caiman_connector_remove_path (caiman_pump_get_connector (pump), id, testbed_now (links->testbed));
  caiman_pump_touch (pump);
}

guint
testbed_links_get_path (const TestbedLinks *links, guint32 path_id)
{
  return g_array_index (links->path_links, guint, path_id);
}

void
testbed_links_accept (TestbedLinks *links, guint link, CaimanTransport *end)
{
  CaimanLinkInfo info = make_info (scenario_get_link (links->scenario, link), SCENARIO_SIDE_SERVER);

  g_array_append_val (links->server_links, link);
  caiman_pump_add_transport (links->testbed->pump[SCENARIO_SIDE_SERVER], end, &info);
  g_bytes_unref (info.user_data);
}

static int
find_client_link (const TestbedLinks *links, guint32 link_id)
{
  CaimanPump *pump = links->testbed->pump[SCENARIO_SIDE_CLIENT];
  gsize n_links;

  if (!pump)
    return -1;
  CaimanLink *const *ends =
      caiman_connection_get_links (caiman_pump_get_connection (pump), &n_links);
  for (gsize i = 0; i < n_links; i++) {
    if (caiman_link_get_id (ends[i]) == link_id)
      return scenario_find_link (links->scenario, caiman_link_get_name (ends[i]));
  }
  return -1;
}

int
testbed_links_find (const TestbedLinks *links, ScenarioSide side, guint32 link_id)
{
  if (link_id == 0)
    return -1;
  if (side == SCENARIO_SIDE_CLIENT)
    return find_client_link (links, link_id);
  /* A server numbers its links in the order in which they come in. */
  return link_id < links->server_links->len
             ? (int)g_array_index (links->server_links, guint, link_id)
             : -1;
}
