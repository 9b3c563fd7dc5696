// Preloaded into processes that `make dev` and the bench start, with an IPC channel: they end when their parent does, however
// that ends (kill -9 included).
import process from 'node:process';

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// Waiting for that must not keep a process alive.
process.channel?.unref();
