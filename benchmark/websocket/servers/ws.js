'use strict';
const { WebSocketServer } = require('ws');
const [port, mode] = process.argv.slice(2);
const server = new WebSocketServer({ port: Number(port), host: '127.0.0.1', perMessageDeflate: false, backlog: 4096 });
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    if (mode !== 'fanout') return socket.send(data, { binary: false });
    for (const client of server.clients) client.send(data, { binary: false });
  });
});
