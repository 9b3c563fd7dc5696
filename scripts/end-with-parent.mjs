// Preloaded into the processes that `make dev` starts: they end when it does, however that ends (kill -9 included).
import process from 'node:process';

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// Waiting for that must not keep a process alive.
process.channel?.unref();
