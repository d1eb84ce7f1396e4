/* SPDX-License-Identifier: MIT */
/*
 * Qt 6: signals of a QObject connected with pointers to members, the default (auto) connection
 * within a thread and across threads; QThread for a second event loop; QTimer, QSocketNotifier. The
 * event loops run on Qt's own Unix dispatcher, which is faster than its GLib one; QT_NO_GLIB=
 * (empty) overrides.
 */
#include "bench_qt.h"

#include <cstdlib>

int main(int argc, char **argv)
{
    static bench_peer peer;

    setenv("QT_NO_GLIB", "1", 0);

    QCoreApplication application(argc, argv);

    peer.name = "qt";
    addSignals(&peer);
    addThreads(&peer);
    addTimers(&peer);
    return bench_peer_main(argc, argv, &peer);
}
