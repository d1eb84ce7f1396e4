/* SPDX-License-Identifier: MIT */
/* Qt 6: QUdpSocket, readyRead() and readDatagram() into one buffer, its cheapest way to read. */
#include "harness.h"
#include "udp_protocol.h"

#include <cstdlib>
#include <QCoreApplication>
#include <QUdpSocket>

int main(int argc, char **argv)
{
    setenv("QT_NO_GLIB", "1", 0);
    QCoreApplication application(argc, argv);
    QUdpSocket socket;

    QObject::connect(&socket, &QUdpSocket::readyRead, &socket, [&socket] {
        static char bytes[BENCH_UDP_SIZE_MAX];

        while (socket.hasPendingDatagrams()) {
            const qint64 size = socket.readDatagram(bytes, sizeof bytes);

            if (size >= 0 && !bench_udp_take(bytes, size_t(size))) {
                QCoreApplication::quit();
                return;
            }
        }
    });
    bench_check(socket.bind(QHostAddress::LocalHost, 0), "cannot listen on 127.0.0.1");
    bench_announce(socket.localPort());
    return QCoreApplication::exec();
}
