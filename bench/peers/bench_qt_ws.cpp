/* SPDX-License-Identifier: MIT */
/*
 * Qt 6 WebSocket server: QWebSocketServer, one sendTextMessage() per client and broadcast, which is
 * the only way it has. The connections are accepted by a QTcpServer of ours and handed over,
 * because QWebSocketServer leaves Nagle's algorithm on and the other servers have it off.
 */
#include "ws_protocol.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <QCoreApplication>
#include <QTcpServer>
#include <QTcpSocket>
#include <QWebSocket>
#include <QWebSocketServer>

class Server : public QObject
{
    Q_OBJECT

  public:
    explicit Server(bool echo) : isEcho(echo)
    {
        connect(&tcpServer, &QTcpServer::newConnection, this, &Server::onTcpConnection);
        connect(&webSocketServer, &QWebSocketServer::newConnection, this, &Server::onConnection);
        webSocketServer.setMaxPendingConnections(1000);
    }

    bool listen()
    {
        if (!tcpServer.listen(QHostAddress::LocalHost)) {
            return false;
        }
        bench_ws_announce(tcpServer.serverPort());
        return true;
    }

  private slots:
    void onTcpConnection()
    {
        while (QTcpSocket *socket = tcpServer.nextPendingConnection()) {
            socket->setSocketOption(QAbstractSocket::LowDelayOption, 1);
            webSocketServer.handleConnection(socket);
        }
    }

    void onConnection()
    {
        while (QWebSocket *socket = webSocketServer.nextPendingConnection()) {
            clients.append(socket);
            connect(socket, &QWebSocket::textMessageReceived, this, &Server::onText);
        }
    }

    void onText(const QString &message)
    {
        if (isEcho && message.size() >= BENCH_WS_ECHO_MIN) {
            static_cast<QWebSocket *>(sender())->sendTextMessage(message);
            return;
        }

        QByteArray control = message.toUtf8();
        int count = bench_ws_control(&run, control.constData(), size_t(control.size()));

        if (count == BENCH_WS_END) {
            QCoreApplication::quit();
            return;
        }
        if (isEcho) {
            return;
        }
        if (text.isEmpty()) {
            text = QString::fromUtf8(run.text, qsizetype(run.size));
        }
        for (int i = 0; i < count; i++) {
            for (QWebSocket *client : std::as_const(clients)) {
                client->sendTextMessage(text);
            }
        }
    }

  private:
    bool isEcho;
    QTcpServer tcpServer;
    QWebSocketServer webSocketServer{QStringLiteral("bench"), QWebSocketServer::NonSecureMode};
    QList<QWebSocket *> clients;
    QString text;
    bench_ws_run run = {};
};

int main(int argc, char **argv)
{
    const bool isEcho = bench_ws_is_echo(argc, argv);
    setenv("QT_NO_GLIB", "1", 0);
    QCoreApplication application(argc, argv);
    Server server(isEcho);

    if (!server.listen()) {
        fprintf(stderr, "%s: cannot listen on 127.0.0.1\n", argv[0]);
        return 1;
    }
    return QCoreApplication::exec();
}

#include "bench_qt_ws.moc"
