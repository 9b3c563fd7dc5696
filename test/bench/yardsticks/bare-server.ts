// A Fastify server that does nothing but answer: what HTTP alone costs. The size of the constant answer is the argument.
import process from 'node:process';
import fastify from 'fastify';

const bytes = Number(process.argv[2]);
const constant = Buffer.from(JSON.stringify({ filler: 'x'.repeat(Math.max(0, bytes - '{"filler":""}'.length)) }));

const server = fastify();
server.get('/constant', (_request, reply) => reply.type('application/json; charset=utf-8').send(constant));
server.post('/parsed', () => ({ outcome: 'done', id: '0193b3c8-7a10-7c3e-9f52-6a8d1e4b2f01' }));
server.put('/parsed', () => ({ outcome: 'done', id: '0193b3c8-7a10-7c3e-9f52-6a8d1e4b2f01' }));
process.stdout.write(`${await server.listen({ host: '127.0.0.1', port: 0 })}\n`);
process.on('SIGTERM', () => process.exit());
