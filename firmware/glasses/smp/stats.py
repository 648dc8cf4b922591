# SPDX-License-Identifier: Apache-2.0
"""SMP's statistics group."""

from glasses import protocol, smp


def serve(server, groups):
    """Answers the group's requests; `groups` maps names to functions that give counters."""

    def listed(body):
        return {"stat_list": list(groups)}

    def read(body):
        name = body["name"]
        if name not in groups:
            raise smp.RequestError(protocol.STAT_RC_INVALID_GROUP, "no such group")
        return {"name": name, "fields": groups[name]()}

    group = protocol.SMP_GROUP_STAT
    server.handle(group, protocol.SMP_STAT_LIST, smp.READ, listed)
    server.handle(group, protocol.SMP_STAT_DATA, smp.READ, read)
