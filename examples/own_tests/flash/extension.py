# SPDX-License-Identifier: Apache-2.0
"""An app on the glasses: it says on their console that it runs."""


def start(app, server):
    print("the extension runs on", app.board.name)
    return []
